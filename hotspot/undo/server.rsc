:if ([:len [/ip hotspot find name="{{SERVER}}"]] > 0) do={
  /ip hotspot set [find name="{{SERVER}}"] addresses-per-mac="{{ADDRESSES}}" login-timeout="{{LOGIN_TIMEOUT}}"
}
