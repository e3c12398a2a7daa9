/ip hotspot walled-garden ip add action=accept protocol=tcp dst-port="{{PORT}}" dst-host="{{HOST}}" comment="bando:portal"
