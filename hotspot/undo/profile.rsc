:if ([:len [/ip hotspot profile find name="{{PROFILE}}"]] > 0) do={
  /ip hotspot profile set [find name="{{PROFILE}}"] login-by="{{LOGIN_BY}}" mac-auth-mode="{{MAC_AUTH_MODE}}" html-directory="{{DIRECTORY}}"
}
