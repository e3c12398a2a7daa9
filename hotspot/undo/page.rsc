:local got [/tool fetch url="{{BASE}}/before.html" check-certificate="{{CHECK}}" dst-path="{{PAGE}}" as-value]
