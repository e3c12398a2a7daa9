# RouterOS 7.
/system ntp client set enabled=yes servers="{{SERVERS}}"
