/system ntp client set enabled="{{ENABLED}}" primary-ntp="{{PRIMARY}}"
