/system clock set time-zone-name="{{ZONE}}" time-zone-autodetect="{{AUTODETECT}}"
