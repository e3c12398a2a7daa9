# The server is on the customers' own network: it is no customer.
:if ([:len [/ip hotspot ip-binding find where comment="bando:server"]] = 0) do={
  /ip hotspot ip-binding add address="{{ADDRESS}}" type=bypassed comment="bando:server"
} else={
  /ip hotspot ip-binding set [find comment="bando:server"] address="{{ADDRESS}}" type=bypassed
}
