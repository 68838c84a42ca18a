"""Section *study*: whose image it is, and the other open ones."""
