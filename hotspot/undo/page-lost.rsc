:put "Bando: the login page {{PAGE}} was too large to be kept, so it cannot be put back. The page that Bando wrote stays. Put your own copy in its place under Files."
