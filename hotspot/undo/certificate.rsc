:foreach row in=[/certificate find name="bando-api"] do={ /certificate remove $row }
