"""Section *cases*: all open images, and those of a folder."""
