# The encrypted API, for the server's address.
:global bandoSaid ""
/ip service set api-ssl certificate="{{CERTIFICATE}}" address="{{ADDRESS}}" disabled=no
:set bandoSaid ("fingerprint=" . [/certificate get [find name="{{CERTIFICATE}}"] fingerprint] . "\nport=" . [:tostr [/ip service get api-ssl port]] . "\n")
