# Bando. {{INTRO}}
# It asks the server step by step what to look at and what to change, and reports what came of it.
# It may be run again at any time: what is there already is not made twice.
:global bandoSaid ""
:local base "{{BASE}}"
:local check "{{CHECK}}"
:local turns 600
:local misses 0
:local unfetched 0
:local shown ""
:local ended false
:local tellsWhy false
:put "Bando: {{INTRO}}"
# Newer releases can say why something failed.
:do {
  :local probe [:parse ":local r \"\"; :onerror e in={ :error \"x\" } do={ :set r \$e }; :return \$r"]
  :if ([:len [$probe]] > 0) do={ :set tellsWhy true }
} on-error={}
:while ((!$ended) && ($turns > 0)) do={
  :set turns ($turns - 1)
  :local answer ""
  :do {
    :set answer ([/tool fetch url=($base . "/next") check-certificate=$check output=user as-value]->"data")
  } on-error={}
  :local kind "none"
  :local name ""
  :local words ""
  :local cut [:find $answer "|"]
  :if ([:typeof $cut] = "num") do={
    :set kind [:pick $answer 0 $cut]
    :local rest [:pick $answer ($cut + 1) [:len $answer]]
    :set cut [:find $rest "|"]
    :set name [:pick $rest 0 $cut]
    :set words [:pick $rest ($cut + 1) [:len $rest]]
    :if ($words != $shown) do={ :put ("Bando: " . $words) }
    :set shown $words
    :set misses 0
  }
  :if ($kind = "none") do={
    :set misses ($misses + 1)
    :if ($misses = 1) do={ :put "Bando: the server cannot be reached at the moment, trying again" }
    :if ($misses > 20) do={
      :set ended true
      :put "Bando: the server could not be reached for a minute. Check this router's internet connection and paste the line again."
    }
    :delay 3s
  }
  :if ($kind = "wait") do={ :delay 3s }
  :if (($kind = "done") || ($kind = "stop")) do={ :set ended true }
  :if ($kind = "step") do={
    :local why ""
    :local went false
    :local fetched false
    :set bandoSaid ""
    :do {
      :local got [/tool fetch url=($base . "/do/" . $name) check-certificate=$check dst-path="bando-step.rsc" as-value]
      :set fetched true
      :set unfetched 0
      :if ($tellsWhy) do={
        :local run [:parse ":local r \"\"; :onerror e in={ /import bando-step.rsc } do={ :set r \$e }; :return \$r"]
        :set why [$run]
        :if ([:len $why] = 0) do={ :set went true }
      } else={
        :do {
          /import bando-step.rsc
          :set went true
        } on-error={ :set why "This release does not say why. See the last lines of: /log print" }
      }
    } on-error={
      :set why "The step could not be started"
      :if (!$fetched) do={ :set why "The step could not be fetched from the server" }
    }
    :do { /file remove [find name="bando-step.rsc"] } on-error={}
    :local result "ok"
    :local text $bandoSaid
    :local told false
    # The server may just be starting anew: it is asked again before the step is given up.
    :if ((!$fetched) && ($unfetched < 5)) do={
      :set unfetched ($unfetched + 1)
      :if ($unfetched = 1) do={ :put "Bando: the server cannot be reached at the moment, trying again" }
      :set told true
      :delay 3s
    }
    :if ((!$went) && (!$told)) do={
      :set result "no"
      :set text $why
      :put ("Bando: this did not work: " . $why)
    }
    :local tries 0
    :while ((!$told) && ($tries < 5)) do={
      :set tries ($tries + 1)
      :do {
        :local got [/tool fetch url=($base . "/" . $result . "/" . $name) check-certificate=$check http-method=post http-data=("bando\n" . $text) output=user as-value]
        :set told true
      } on-error={
        # A report the server does not take is given up for a shorter one.
        :if ($tries = 3) do={
          :set result "no"
          :set text "The report could not be sent"
        }
        :delay 2s
      }
    }
  }
}
:if (!$ended) do={ :put "Bando: nobody answered for half an hour, so this ends here. Paste the line again when you are ready." }
:set bandoSaid ""
# These files hold secrets of this set-up.
:do { /file remove [find name="bando-step.rsc"] } on-error={}
:do { /file remove [find name="bando.rsc"] } on-error={}
