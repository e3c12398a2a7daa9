# Lets the server through where the firewall would turn it away. New rules first, then the old ones go.
:local older [/ip firewall filter find where comment="bando:api"]
:local drops [/ip firewall filter find where chain=input action=drop disabled=no]
