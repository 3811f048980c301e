"""Other formats of tools and skills, read and written as data: no files are touched here."""
