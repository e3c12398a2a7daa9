# Nothing can reach this router from outside: it asks the server itself.
:if ([:len [/system script find name="bando-pull"]] = 0) do={
  /system script add name="bando-pull" policy=ftp,read,write,test source="{{SOURCE}}"
} else={
  /system script set [find name="bando-pull"] policy=ftp,read,write,test source="{{SOURCE}}"
}
:if ([:len [/system scheduler find name="bando-pull"]] = 0) do={
  /system scheduler add name="bando-pull" interval=5s start-time=startup on-event="bando-pull" policy=ftp,read,write,test
} else={
  /system scheduler set [find name="bando-pull"] interval=5s start-time=startup on-event="bando-pull" policy=ftp,read,write,test disabled=no
}
