"""Which image a file means, by what it calls it."""
