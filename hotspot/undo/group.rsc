:foreach row in=[/user group find name="bando"] do={ /user group remove $row }
