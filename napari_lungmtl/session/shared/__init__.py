"""Several windows or programs with one image open: who is there, whose turn it is to write, and both their findings joined."""
