:local got [/tool fetch url="{{URL}}" check-certificate="{{CHECK}}" dst-path="{{PAGE}}" as-value]
