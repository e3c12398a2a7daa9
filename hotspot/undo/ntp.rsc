/system ntp client set enabled="{{ENABLED}}" servers="{{SERVERS}}"
