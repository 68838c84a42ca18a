"""Parts of the project's own JSON file that are ideas of their own."""
