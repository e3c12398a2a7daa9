# The WireGuard tunnel to the server. The router calls the server, so it works behind any provider.
:global bandoSaid ""
:if ([:len [/interface wireguard find name="bando"]] = 0) do={
  /interface wireguard add name="bando" comment="bando"
}
:if ([:len [/interface wireguard peers find interface="bando"]] = 0) do={
  /interface wireguard peers add interface="bando" public-key="{{PUBLIC_KEY}}" endpoint-address="{{ENDPOINT_HOST}}" endpoint-port="{{ENDPOINT_PORT}}" allowed-address="{{SERVER}}/32" persistent-keepalive=25s comment="bando"
} else={
  /interface wireguard peers set [find interface="bando"] public-key="{{PUBLIC_KEY}}" endpoint-address="{{ENDPOINT_HOST}}" endpoint-port="{{ENDPOINT_PORT}}" allowed-address="{{SERVER}}/32" persistent-keepalive=25s
}
:if ([:len [/ip address find interface="bando"]] = 0) do={
  /ip address add interface="bando" address="{{ADDRESS}}/32" network="{{SERVER}}" comment="bando"
} else={
  /ip address set [find interface="bando"] address="{{ADDRESS}}/32" network="{{SERVER}}"
}
/ip service set api address="{{API_ADDRESS}}" disabled=no
:set bandoSaid ("key=" . [/interface wireguard get [find name="bando"] public-key] . "\nport=" . [:tostr [/ip service get api port]] . "\n")
