# A certificate of the router's own. The server remembers its fingerprint and accepts no other.
:if ([:len [/certificate find name="bando-api"]] = 0) do={
  /certificate add name="bando-api" common-name="bando-api" key-size=2048 days-valid=3650 key-usage=digital-signature,key-encipherment,key-cert-sign,tls-server
}
:if ([:len [/certificate get [find name="bando-api"] fingerprint]] = 0) do={
  /certificate sign [find name="bando-api"]
}
:local turns 60
:while (([:len [/certificate get [find name="bando-api"] fingerprint]] = 0) && ($turns > 0)) do={
  :set turns ($turns - 1)
  :delay 2s
}
:if ($turns = 0) do={ :error "The router did not make a certificate within two minutes" }
