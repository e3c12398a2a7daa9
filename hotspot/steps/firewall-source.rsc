/ip firewall filter add chain=input action=accept protocol=tcp dst-port="{{PORT}}" src-address="{{SOURCE}}" comment="bando:api" place-before=[:pick $drops 0]
