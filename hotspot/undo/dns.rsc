/ip dns set allow-remote-requests="{{VALUE}}"
