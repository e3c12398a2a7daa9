# The server's own login: no more rights than it needs, and only from its address.
:if ([:len [/user group find name="bando"]] = 0) do={
  /user group add name="bando" policy=read,write,api,test
} else={
  /user group set [find name="bando"] policy=read,write,api,test
}
:if ([:len [/user find name="bando"]] = 0) do={
  /user add name="bando" group="bando" password="{{PASSWORD}}" address="{{SOURCES}}" comment="bando"
} else={
  /user set [find name="bando"] group="bando" password="{{PASSWORD}}" address="{{SOURCES}}" disabled=no
}
