# Ends paid time on the router itself, also while the server is away.
:if ([:len [/system script find name="bando-reap"]] = 0) do={
  /system script add name="bando-reap" policy=read,write,test source="{{SOURCE}}"
} else={
  /system script set [find name="bando-reap"] policy=read,write,test source="{{SOURCE}}"
}
:if ([:len [/system scheduler find name="bando-reap"]] = 0) do={
  /system scheduler add name="bando-reap" interval=1m start-time=startup on-event="bando-reap" policy=read,write,test
} else={
  /system scheduler set [find name="bando-reap"] interval=1m start-time=startup on-event="bando-reap" policy=read,write,test disabled=no
}
