"""Section *compare*: the truth beside the findings, and two sets of findings beside each other."""
