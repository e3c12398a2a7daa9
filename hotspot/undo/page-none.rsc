:foreach row in=[/file find name="{{PAGE}}"] do={ /file remove $row }
