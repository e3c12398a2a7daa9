# Looks at services, firewall, addresses and tunnel. Changes nothing.
:global bandoSaid ""
:local ask do={
  :local found "?"
  :do {
    :local question [:parse (":return [:tostr [" . $2 . "]]")]
    :set found [$question]
  } on-error={ :set found "?" }
  :return ($1 . "=" . $found . "\n")
}
:local out ""
:set out ($out . [$ask "api-disabled" "/ip service get api disabled"])
:set out ($out . [$ask "api-port" "/ip service get api port"])
:set out ($out . [$ask "api-address" "/ip service get api address"])
:set out ($out . [$ask "ssl-disabled" "/ip service get api-ssl disabled"])
:set out ($out . [$ask "ssl-port" "/ip service get api-ssl port"])
:set out ($out . [$ask "ssl-address" "/ip service get api-ssl address"])
:set out ($out . [$ask "ssl-certificate" "/ip service get api-ssl certificate"])
:set out ($out . [$ask "certificate" ":len [/certificate find name=bando-api]"])
:set out ($out . [$ask "dns" "/ip dns get servers"])
:set out ($out . [$ask "dns-dynamic" "/ip dns get dynamic-servers"])
:set out ($out . [$ask "dns-remote" "/ip dns get allow-remote-requests"])
:set out ($out . [$ask "fasttrack" ":len [/ip firewall filter find where action=fasttrack-connection disabled=no]"])
:set out ($out . [$ask "input-drop" ":len [/ip firewall filter find where chain=input action=drop disabled=no]"])
:set out ($out . [$ask "wireguard" ":len [/interface wireguard find]"])
:set out ($out . [$ask "portal" ":resolve \"{{HOST}}\""])
:foreach row in=[/ip address find] do={
  :do {
    :set out ($out . "address=" . [:tostr [/ip address get $row address]] . "\t" . [/ip address get $row interface] . "\n")
  } on-error={}
}
:do {
  :local networks [:parse ":local r \"\"; :foreach row in=[/ip dhcp-server find] do={ :set r (\$r . \"dhcp=\" . [/ip dhcp-server get \$row name] . \"\\t\" . [/ip dhcp-server get \$row interface] . \"\\t\" . [/ip dhcp-server get \$row address-pool] . \"\\t\" . [:tostr [/ip dhcp-server get \$row disabled]] . \"\\n\") }; :return \$r"]
  :set out ($out . [$networks])
} on-error={}
:set bandoSaid $out
