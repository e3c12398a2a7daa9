# A queue for the whole hotspot would hide the limits of each customer.
/ip hotspot profile set [find name="{{PROFILE}}"] install-hotspot-queue=no
