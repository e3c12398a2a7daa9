# Lets the server through where the firewall would turn it away.
:foreach row in=[/ip firewall filter find where comment="bando:api"] do={ /ip firewall filter remove $row }
:local drops [/ip firewall filter find where chain=input action=drop disabled=no]
:if ([:len $drops] > 0) do={
  /ip firewall filter add chain=input action=accept protocol=tcp dst-port="{{PORT}}" src-address="{{SOURCES}}" comment="bando:api" place-before=[:pick $drops 0]
}
