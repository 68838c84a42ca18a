"""Findings leave for other programs, and come from them."""
