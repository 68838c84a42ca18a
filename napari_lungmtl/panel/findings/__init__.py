"""The table of findings."""
