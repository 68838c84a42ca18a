"""The dock and its sections, one file each."""
