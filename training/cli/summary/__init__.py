"""``lungmtl summary``: the page of a case for people."""
