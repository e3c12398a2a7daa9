/ip hotspot walled-garden ip add action=accept protocol=tcp dst-port="{{PORT}}" dst-address="{{ADDRESS}}" comment="bando:portal"
