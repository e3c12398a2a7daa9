# The page that sends customers to the portal. MikroTik's own files around it stay.
:if ([:len [/file find where name~"^{{DIRECTORY_PATTERN}}/"]] < 2) do={
  :do {
    :local stock [:parse "/ip hotspot reset-html [/ip hotspot find name=\"{{SERVER}}\"]"]
    $stock
    :delay 2s
  } on-error={}
}
:local got [/tool fetch url="{{URL}}" check-certificate="{{CHECK}}" dst-path="{{PAGE}}" as-value]
:local turns 10
:while (([:len [/file find name="{{PAGE}}"]] = 0) && ($turns > 0)) do={
  :set turns ($turns - 1)
  :delay 1s
}
:if ($turns = 0) do={ :error "The login page was fetched, but it is not at {{PAGE}}" }
