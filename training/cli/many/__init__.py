"""Commands on many studies at once."""
