/system clock set time-zone-autodetect=no time-zone-name="{{ZONE}}"
