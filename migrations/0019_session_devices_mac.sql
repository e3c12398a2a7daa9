-- A device is looked up by its address alone when its router is not named.
create index session_devices_mac on session_devices (mac);
