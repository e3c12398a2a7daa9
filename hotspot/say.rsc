# Bando. Says why nothing is done, and takes away what an interrupted run may have left.
:put "Bando: {{WORDS}}"
:do { /file remove [find name="bando-step.rsc"] } on-error={}
:do { /file remove [find name="bando.rsc"] } on-error={}
