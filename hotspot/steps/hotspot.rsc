# A hotspot on the network that has addresses to give out.
:if ([:len [/ip hotspot profile find name="bando-hotspot"]] = 0) do={
  /ip hotspot profile add name="bando-hotspot" hotspot-address="{{ADDRESS}}" html-directory="{{DIRECTORY}}" login-by=mac,http-pap,cookie
}
:if ([:len [/ip hotspot find interface="{{INTERFACE}}"]] = 0) do={
  /ip hotspot add name="bando-hotspot" interface="{{INTERFACE}}" address-pool="{{POOL}}" profile="bando-hotspot" disabled=no
}
/ip dns set allow-remote-requests=yes
