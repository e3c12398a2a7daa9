# Keeps the login page as it is now, so that it can be put back. Changes nothing.
:global bandoSaid ""
:local row [/file find name="{{PAGE}}"]
:if ([:len $row] > 0) do={
  :local size [:tonum [/file get $row size]]
  :local text [/file get $row contents]
  :if ([:len $text] != $size) do={ :error "The login page {{PAGE}} is too large to be kept" }
  :set bandoSaid $text
}
