:foreach row in=[/ip address find interface="bando"] do={ /ip address remove $row }
:foreach row in=[/interface wireguard peers find interface="bando"] do={ /interface wireguard peers remove $row }
:foreach row in=[/interface wireguard find name="bando"] do={ /interface wireguard remove $row }
