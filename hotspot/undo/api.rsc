/ip service set api address="{{ADDRESS}}" disabled="{{DISABLED}}"
