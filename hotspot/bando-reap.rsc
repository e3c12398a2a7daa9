# bando-reap, every minute: takes off customers whose paid time is over, also while the Bando server is away.
# It touches only users whose comment begins with bando1; and does nothing until the clock has been set.
:local now [:tonum [:timestamp]]
:if ($now > 1760000000) do={
  :foreach u in=[/ip/hotspot/user/find where comment~"^bando1;"] do={
    :do {
      :local c [/ip/hotspot/user/get $u comment]
      :local p [:find $c ";e="]
      :if ([:typeof $p] = "num") do={
        :local e [:tonum [:pick $c ($p + 3) ($p + 13)]]
        :if (($e > 0) && ($e <= $now)) do={
          :local n [/ip/hotspot/user/get $u name]
          /ip/hotspot/user/remove $u
          :do { /ip/hotspot/active/remove [find where user=$n] } on-error={}
          :do { /ip/hotspot/cookie/remove [find where user=$n] } on-error={}
        }
      }
    } on-error={}
  }
}
