"""Section *operating point*: what the threshold is worth, a promise on false marks, and whether it holds for this scan."""
