# Customers' connections must not take the fast track, which knows no speed limits. Rules are moved, never made anew.
:local fast [/ip firewall filter find where action=fasttrack-connection disabled=no]
:if ([:len $fast] > 0) do={
  :local first [:pick $fast 0]
  :local row [/ip firewall filter find where comment="bando:fasttrack" in-interface="{{INTERFACE}}"]
  :if ([:len $row] = 0) do={
    /ip firewall filter add chain=forward action=accept connection-state=established,related in-interface="{{INTERFACE}}" comment="bando:fasttrack" place-before=$first
  } else={
    /ip firewall filter move $row destination=$first
  }
  :set row [/ip firewall filter find where comment="bando:fasttrack" out-interface="{{INTERFACE}}"]
  :if ([:len $row] = 0) do={
    /ip firewall filter add chain=forward action=accept connection-state=established,related out-interface="{{INTERFACE}}" comment="bando:fasttrack" place-before=$first
  } else={
    /ip firewall filter move $row destination=$first
  }
}
