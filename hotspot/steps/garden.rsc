# Opens the portal, and nothing else, to customers who have not paid yet. New rows first, then the old ones go.
:local older [/ip hotspot walled-garden find where comment="bando:portal"]
:local olderIp [/ip hotspot walled-garden ip find where comment="bando:portal"]
/ip hotspot walled-garden add action=allow dst-host="{{HOST}}" comment="bando:portal"
