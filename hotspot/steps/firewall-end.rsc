:foreach row in=$older do={ /ip firewall filter remove $row }
