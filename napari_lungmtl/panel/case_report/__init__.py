"""The report of a case, from the window."""
