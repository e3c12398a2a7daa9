# A device that came to the portal too early is looked at again after a while.
/ip hotspot set [find name="{{SERVER}}"] addresses-per-mac=2 login-timeout=5m
