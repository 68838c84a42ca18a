"""TODO-by-owner."""
