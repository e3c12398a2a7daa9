:foreach row in=[/user find name="bando"] do={ /user remove $row }
