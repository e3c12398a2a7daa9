# The hotspot that was made.
:foreach row in=[/ip hotspot find where name="bando-hotspot"] do={ /ip hotspot remove $row }
:foreach row in=[/ip hotspot profile find where name="bando-hotspot"] do={ /ip hotspot profile remove $row }
