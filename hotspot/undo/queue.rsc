/ip hotspot profile set [find name="{{PROFILE}}"] install-hotspot-queue=yes
