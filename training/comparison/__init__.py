"""Findings beside the truth, and two sets of findings beside each other."""
