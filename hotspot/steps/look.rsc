# Looks at the router itself. Changes nothing. What this release does not know is answered with "?".
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
:set out ($out . [$ask "identity" "/system identity get name"])
:set out ($out . [$ask "version" "/system resource get version"])
:set out ($out . [$ask "board" "/system resource get board-name"])
:set out ($out . [$ask "architecture" "/system resource get architecture-name"])
:set out ($out . [$ask "free-space" "/system resource get free-hdd-space"])
:set out ($out . [$ask "serial" "/system routerboard get serial-number"])
:set out ($out . [$ask "software-id" "/system license get software-id"])
:set out ($out . [$ask "system-id" "/system license get system-id"])
:set out ($out . [$ask "mac" "/interface ethernet get [:pick [/interface ethernet find] 0] mac-address"])
:set out ($out . [$ask "level" "/system license get level"])
:set out ($out . [$ask "nlevel" "/system license get nlevel"])
:set out ($out . [$ask "mode-hotspot" "/system device-mode get hotspot"])
:set out ($out . [$ask "mode-scheduler" "/system device-mode get scheduler"])
:set out ($out . [$ask "mode-fetch" "/system device-mode get fetch"])
:set out ($out . [$ask "epoch" ":tonum [:timestamp]"])
:set out ($out . [$ask "date" "/system clock get date"])
:set out ($out . [$ask "time" "/system clock get time"])
:set out ($out . [$ask "offset" "/system clock get gmt-offset"])
:set out ($out . [$ask "zone" "/system clock get time-zone-name"])
:set out ($out . [$ask "zone-auto" "/system clock get time-zone-autodetect"])
:set out ($out . [$ask "ntp" "/system ntp client get enabled"])
:set out ($out . [$ask "ntp-servers" "/system ntp client get servers"])
:set out ($out . [$ask "ntp-primary" "/system ntp client get primary-ntp"])
:set out ($out . [$ask "ntp-secondary" "/system ntp client get secondary-ntp"])
:set out ($out . [$ask "ntp-names" "/system ntp client get server-dns-names"])
:set out ($out . [$ask "user" ":len [/user find name=bando]"])
:set out ($out . [$ask "group" ":len [/user group find name=bando]"])
:set out ($out . [$ask "script" ":len [/system script find name=bando-reap]"])
:set out ($out . [$ask "scheduler" ":len [/system scheduler find name=bando-reap]"])
:set out ($out . [$ask "flash" ":len [/file find name=flash]"])
:set bandoSaid $out
