# bando-reap, every minute: takes off customers whose paid time is over, also while the Bando server is away.
# It touches only users whose comment begins with bando1; and does nothing until the clock has been set.
# A clock that runs ahead of the time since the start was set wrong: nobody is taken off until it is back, or a day has
# passed. Only a clock that no time server had vouched for may be put forward by one.
:global bandoReapStart
:global bandoReapKnown
:global bandoReapAway
:local now [:tonum [:timestamp]]
:if ($now > 1760000000) do={
  :local up [:tonum [/system/resource/get uptime]]
  :local start ($now - $up)
  :local known false
  :do { :set known ([/system/ntp/client/get status] = "synchronized") } on-error={}
  :local isAhead false
  :if ([:typeof $bandoReapStart] = "num") do={
    :if ([:typeof $bandoReapAway] != "num") do={ :set bandoReapAway 0 }
    :local ahead ($start - $bandoReapStart)
    :if (($ahead > 120) || (($ahead + 120) < 0)) do={
      :if ($bandoReapAway = 0) do={
        :set bandoReapAway $up
        :log warning "bando-reap: the clock has jumped; nobody is taken off before the time that was known"
      }
      :if (($known && ($bandoReapKnown = false)) || ($up > ($bandoReapAway + 86400))) do={
        :set bandoReapStart $start
        :set bandoReapKnown $known
        :set bandoReapAway 0
      } else={ :set isAhead ($ahead > 0) }
    } else={
      :set bandoReapStart $start
      :set bandoReapAway 0
      :if ($known) do={ :set bandoReapKnown true }
    }
  } else={
    :set bandoReapStart $start
    :set bandoReapKnown $known
    :set bandoReapAway 0
  }
  :if ($isAhead = false) do={
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
}
