# Customers, their limits and the open door to the portal: everything that bears our mark, and nothing else.
:foreach row in=[/ip hotspot user find where comment~"^bando1;"] do={
  :local name [/ip hotspot user get $row name]
  /ip hotspot user remove $row
  :do { /ip hotspot active remove [find where user=$name] } on-error={}
  :do { /ip hotspot cookie remove [find where user=$name] } on-error={}
}
:foreach row in=[/ip hotspot user profile find where name~"^bando-p"] do={
  :do { /ip hotspot user profile remove $row } on-error={}
}
:foreach row in=[/ip hotspot ip-binding find where comment~"^bando"] do={ /ip hotspot ip-binding remove $row }
:foreach row in=[/ip hotspot walled-garden find where comment="bando:portal"] do={ /ip hotspot walled-garden remove $row }
:foreach row in=[/ip hotspot walled-garden ip find where comment="bando:portal"] do={ /ip hotspot walled-garden ip remove $row }
