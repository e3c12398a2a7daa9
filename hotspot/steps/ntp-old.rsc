# RouterOS 6, without and with the ntp package.
:local done false
:do {
  :local names [:parse "/system ntp client set enabled=yes server-dns-names=\"{{SERVERS}}\""]
  $names
  :set done true
} on-error={}
:if (!$done) do={ /system ntp client set enabled=yes primary-ntp=[:resolve "{{SERVER}}"] }
