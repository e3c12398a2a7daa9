/system ntp client set enabled="{{ENABLED}}" server-dns-names="{{NAMES}}"
