:foreach row in=[/ip firewall filter find where comment~"^bando:"] do={ /ip firewall filter remove $row }
