# Scripts.
:foreach row in=[/system scheduler find where name~"^bando-"] do={ /system scheduler remove $row }
:foreach row in=[/system script find where name~"^bando-"] do={ /system script remove $row }
