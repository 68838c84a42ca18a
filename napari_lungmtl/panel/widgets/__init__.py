"""What the sections of the dock are made of: the section itself, rows, forms, theme."""
