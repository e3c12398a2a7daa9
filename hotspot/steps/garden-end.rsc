:foreach row in=$older do={ /ip hotspot walled-garden remove $row }
:foreach row in=$olderIp do={ /ip hotspot walled-garden ip remove $row }
