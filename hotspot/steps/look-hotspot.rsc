# Looks at the hotspot. Changes nothing. Fails where the hotspot package is missing.
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
:foreach row in=[/ip hotspot find] do={
  :set out ($out . "server=" . [/ip hotspot get $row name] . "\t" . [/ip hotspot get $row interface] . "\t" . [/ip hotspot get $row profile] . "\t" . [:tostr [/ip hotspot get $row disabled]] . "\t" . [:tostr [/ip hotspot get $row addresses-per-mac]] . "\t" . [:tostr [/ip hotspot get $row login-timeout]] . "\n")
}
:foreach row in=[/ip hotspot profile find] do={
  :local name [/ip hotspot profile get $row name]
  :set out ($out . "profile=" . $name . "\t" . [:tostr [/ip hotspot profile get $row login-by]] . "\t" . [:tostr [/ip hotspot profile get $row mac-auth-mode]] . "\t" . [/ip hotspot profile get $row html-directory] . "\t" . [:tostr [/ip hotspot profile get $row use-radius]] . "\n")
  :set out ($out . [$ask ("override\t" . $name) ("/ip hotspot profile get [/ip hotspot profile find name=\"" . $name . "\"] html-directory-override")])
  :set out ($out . [$ask ("override-page\t" . $name) (":len [/file find name=([/ip hotspot profile get [/ip hotspot profile find name=\"" . $name . "\"] html-directory-override] . \"/login.html\")]")])
  :set out ($out . [$ask ("queue\t" . $name) ("/ip hotspot profile get [/ip hotspot profile find name=\"" . $name . "\"] install-hotspot-queue")])
}
:set out ($out . [$ask "users" ":len [/ip hotspot user find]"])
:set out ($out . [$ask "users-ours" ":len [/ip hotspot user find where comment~\"^bando1;\"]"])
:set out ($out . [$ask "active" ":len [/ip hotspot active find]"])
:set out ($out . [$ask "bindings" ":len [/ip hotspot ip-binding find]"])
:set out ($out . [$ask "garden" ":len [/ip hotspot walled-garden ip find where comment=\"bando:portal\"]"])
:set bandoSaid $out
