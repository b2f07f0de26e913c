"""tenbin.yaml -> Config: typed, checked with file, line, key and fix, hashed; and the table of provider quirks."""
