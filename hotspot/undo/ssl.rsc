/ip service set api-ssl certificate="{{CERTIFICATE}}" address="{{ADDRESS}}" disabled="{{DISABLED}}"
