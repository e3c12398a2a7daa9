# bando-pull, every five seconds: asks the Bando server what the paying customers of this hotspot need, does it, and
# says what is there. It knows ten verbs; what the server sends is data and is never run as code.
# It makes and changes only hotspot users whose comment begins with bando1; profiles whose name begins with bando-p and
# bindings of the type "blocked" whose comment begins with bando:block. Logging a device out changes no row of anybody.
:global bandoPullBusy
:global bandoPullNext
:global bandoPullLost
:local up [/system/resource/get uptime]
:local isDue true
:if ([:typeof $bandoPullNext] = "time") do={ :if ($up < $bandoPullNext) do={ :set isDue false } }
# One run at a time. One that was cut off keeps the next away for two minutes at most.
:if ([:typeof $bandoPullBusy] = "time") do={ :if ($up < ($bandoPullBusy + 2m)) do={ :set isDue false } }
:if ($isDue) do={
  :set bandoPullBusy $up
  :set bandoPullNext ($up + 20s)
  :do {
    :local answerKey "{{ANSWER_SECRET}}"
    :local headers "Content-Type: text/plain,Authorization: Bearer {{POLL_SECRET}}"
    :local macs "^..:..:..:..:..:..\$"
    :local split do={
      :local fields ({})
      :local rest $text
      :local at [:find $rest $by]
      :while ([:typeof $at] = "num") do={
        :set ($fields->[:len $fields]) [:pick $rest 0 $at]
        :set rest [:pick $rest ($at + 1) [:len $rest]]
        :set at [:find $rest $by]
      }
      :set ($fields->[:len $fields]) $rest
      :return $fields
    }
    # Only newer releases compute digests; the line is parsed here so that older ones do not fail.
    :local hash ""
    :local digests 0
    :do {
      :set hash [:parse ":return [:convert \$text from=raw to=hex transform=sha512]"]
      :if ([:pick [$hash text="abc"] 0 8] = "ddaf35a1") do={ :set digests 1 }
    } on-error={}
    :local report "none"
    :local ticket "-"
    :local failed ""
    :local round 0
    :local isMore true
    :while ($isMore) do={
      :set isMore false
      :set round ($round + 1)
      :local began [/system/resource/get uptime]
      :local nonce ([:tostr $began] . "-" . [:tostr [:timestamp]] . "-" . [/system/resource/get free-memory] . "-" . $round)
      :local parts ({})
      :local text ""
      :local rows 0
      :if ($report = "all") do={
        :foreach id in=[/ip/hotspot/user/find where (comment~"^bando1;" or name~$macs)] do={
          :do {
            :local r [/ip/hotspot/user/get $id]
            :set text ($text . ("user;" . $id . ";" . ($r->"name") . ";" . ($r->"mac-address") . ";" . ($r->"profile") . ";" . ($r->"limit-uptime") . ";" . ($r->"limit-bytes-total") . ";" . ($r->"uptime") . ";" . ($r->"bytes-in") . ";" . ($r->"bytes-out") . ";" . ($r->"disabled") . ";" . ($r->"comment") . "\n"))
            :set rows ($rows + 1)
          } on-error={}
          :if ([:len $text] > 30000) do={ :set ($parts->[:len $parts]) $text; :set text "" }
        }
        :foreach id in=[/ip/hotspot/active/find] do={
          :do {
            :local r [/ip/hotspot/active/get $id]
            :set text ($text . ("login;" . $id . ";" . ($r->"mac-address") . ";" . ($r->"address") . ";" . ($r->"uptime") . ";" . ($r->"bytes-in") . ";" . ($r->"bytes-out") . ";" . ($r->"user") . "\n"))
            :set rows ($rows + 1)
          } on-error={}
          :if ([:len $text] > 30000) do={ :set ($parts->[:len $parts]) $text; :set text "" }
        }
        :foreach id in=[/ip/hotspot/host/find] do={
          :do {
            :local r [/ip/hotspot/host/get $id]
            :set text ($text . ("host;" . $id . ";" . ($r->"mac-address") . ";" . ($r->"address") . ";" . ($r->"authorized") . ";" . ($r->"bypassed") . "\n"))
            :set rows ($rows + 1)
          } on-error={}
          :if ([:len $text] > 30000) do={ :set ($parts->[:len $parts]) $text; :set text "" }
        }
        :foreach id in=[/ip/hotspot/user/profile/find where name~"^bando-p"] do={
          :do {
            :local r [/ip/hotspot/user/profile/get $id]
            :set text ($text . ("profile;" . $id . ";" . ($r->"name") . ";" . ($r->"rate-limit") . ";" . ($r->"shared-users") . ";" . ($r->"add-mac-cookie") . "\n"))
            :set rows ($rows + 1)
          } on-error={}
        }
        :if ([:len $text] > 30000) do={ :set ($parts->[:len $parts]) $text; :set text "" }
        :foreach id in=[/ip/hotspot/ip-binding/find where comment~"^bando:block"] do={
          :do {
            :local r [/ip/hotspot/ip-binding/get $id]
            :set text ($text . ("binding;" . $id . ";" . ($r->"mac-address") . ";" . ($r->"type") . ";" . ($r->"disabled") . ";" . ($r->"comment") . "\n"))
            :set rows ($rows + 1)
          } on-error={}
          :if ([:len $text] > 30000) do={ :set ($parts->[:len $parts]) $text; :set text "" }
        }
      }
      :local level ""
      :do {
        :local license [/system/license/get]
        :set level ($license->"nlevel")
        :if ([:len $level] = 0) do={ :set level ($license->"level") }
      } on-error={}
      :local clock ""
      :do { :set clock [:tonum [:timestamp]] } on-error={}
      :local about [/system/resource/get]
      :local reaper [:len [/system/scheduler/find where name="bando-reap" disabled=no]]
      :set text ($text . $failed . "router;" . $clock . ";" . ($about->"uptime") . ";" . $digests . ";" . $reaper . ";" . ($about->"version") . ";" . ($about->"board-name") . ";" . [/system/identity/get name] . "\nagent;2;" . $level . "\nend;" . $rows . "\n")
      :set ($parts->[:len $parts]) $text
      :set failed ""
      :local data ""
      :local part 0
      :foreach body in=$parts do={
        :local more "more"
        :if (($part + 1) = [:len $parts]) do={ :set more "last" }
        :local said ("bando1;" . $nonce . ";" . $ticket . ";" . $part . ";" . $more . "\n" . $body)
        :set data ([/tool/fetch url="{{URL}}" check-certificate={{CHECK}} http-method=post http-header-field=$headers http-data=$said output=user as-value]->"data")
        :set part ($part + 1)
      }
      # An answer counts when it is proved, to this very request, whole, and not older than 45 seconds.
      :local cut [:find $data "\n"]
      :local proof [:pick $data 0 $cut]
      :local told [:pick $data ($cut + 1) [:len $data]]
      :local expected $answerKey
      :if ($digests = 1) do={ :set expected [$hash text=($answerKey . [$hash text=($answerKey . $told)])] }
      :if ($proof != $expected) do={ :error "the answer is not proved" }
      :local lines [$split text=$told by="\n"]
      :local head [$split text=($lines->0) by=";"]
      :if ((($head->0) != "bando1") || (($head->1) != $nonce)) do={ :error "the answer is to another request" }
      :local count [:tonum ($head->5)]
      :if (([:len $lines] != ($count + 3)) || (($lines->($count + 1)) != "end")) do={ :error "the answer was cut" }
      :if (([/system/resource/get uptime] - $began) > 45s) do={ :error "the answer came too late" }
      :local rest [:totime ($head->2)]
      :if ($rest > 1m) do={ :set rest 1m }
      :set bandoPullNext ([/system/resource/get uptime] + $rest)
      :set report ($head->3)
      :set ticket ($head->4)
      :local i 1
      :while ($i <= $count) do={
        :local c [$split text=($lines->$i) by=";"]
        :set i ($i + 1)
        :local verb ($c->0)
        :local mac ($c->1)
        :do {
          :if ($verb = "profile") do={
            :if (!($mac ~ "^bando-p")) do={ :error "not ours" }
            :if ([:len [/ip/hotspot/user/profile/find where name=$mac]] = 0) do={ /ip/hotspot/user/profile/add name=$mac }
            /ip/hotspot/user/profile/set [find where name=$mac] rate-limit=($c->2) shared-users=2 add-mac-cookie=no transparent-proxy=no idle-timeout=none keepalive-timeout=2m session-timeout=0s open-status-page=http-login
          }
          # A binding is removed by its number, when it is one of ours.
          :if ($verb = "unblock") do={
            :foreach id in=[/ip/hotspot/ip-binding/find where comment~"^bando:block"] do={
              :if ([:tostr $id] = $mac) do={ /ip/hotspot/ip-binding/remove $id }
            }
          }
          :if ($verb = "block") do={
            :if (!($mac ~ $macs)) do={ :error "not a device" }
            :if ([:len [/ip/hotspot/ip-binding/find where mac-address=$mac type=blocked disabled=no comment~"^bando:block"]] = 0) do={
              /ip/hotspot/ip-binding/add mac-address=$mac type=blocked comment="bando:block"
            }
            # A device that is there already is only judged anew when its entry is gone.
            /ip/hotspot/host/remove [find where mac-address=$mac]
          }
          :if ($verb = "logout") do={
            :if (!($mac ~ $macs)) do={ :error "not a device" }
            :local where [:toip ($c->2)]
            /ip/hotspot/active/remove [find where mac-address=$mac address=$where]
          }
          :if ([:typeof [:find ";add;set;remove;kick;login;clear;" (";" . $verb . ";")]] = "num") do={
            :if (!($mac ~ $macs)) do={ :error "not a device" }
            :local ours [:len [/ip/hotspot/user/find where name=$mac comment~"^bando1;"]]
            # Never a row that somebody made by hand.
            :if ([:len [/ip/hotspot/user/find where name=$mac]] != $ours) do={ :error "not ours" }
            :if ($verb = "remove") do={
              /ip/hotspot/user/remove [find where name=$mac]
              /ip/hotspot/active/remove [find where user=$mac]
              /ip/hotspot/cookie/remove [find where user=$mac]
            }
            :if ($verb = "kick") do={ /ip/hotspot/active/remove [find where user=$mac] }
            :if (($verb = "add") && ($ours = 0)) do={
              /ip/hotspot/user/add name=$mac password="" mac-address=$mac profile=($c->2) limit-uptime=($c->3) limit-bytes-total=($c->4) comment=("bando1;g=" . ($c->5) . ";e=" . ($c->6))
            }
            :if ($verb = "set") do={
              /ip/hotspot/user/set [find where name=$mac comment~("^bando1;g=" . ($c->5) . ";")] mac-address=$mac profile=($c->2) limit-uptime=($c->3) limit-bytes-total=($c->4) comment=("bando1;g=" . ($c->5) . ";e=" . ($c->6)) disabled=no
            }
            :if (($verb = "login") && ($ours > 0)) do={
              :if ([:len [/ip/hotspot/active/find where user=$mac]] = 0) do={
                /ip/hotspot/active/login user=$mac password="" mac-address=$mac ip=($c->2)
              }
            }
            :if ($verb = "clear") do={ /ip/hotspot/host/remove [find where mac-address=$mac authorized=no] }
          }
        } on-error={ :set failed ($failed . "failed;" . $verb . ";" . $mac . "\n") }
      }
      :if (($report = "all") && ($round < 30) && (([/system/resource/get uptime] - $up) < 50s)) do={ :set isMore true }
    }
    :set bandoPullLost false
  } on-error={
    :if ($bandoPullLost != true) do={ :log warning "bando-pull: the server could not be reached, or what answered was not the server" }
    :set bandoPullLost true
  }
  :set bandoPullBusy false
}
