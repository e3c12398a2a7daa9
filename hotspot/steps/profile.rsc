# Lets devices that have paid in by their address, and codes by the page.
/ip hotspot profile set [find name="{{PROFILE}}"] login-by="{{LOGIN_BY}}" mac-auth-mode=mac-as-username html-directory="{{DIRECTORY}}"
