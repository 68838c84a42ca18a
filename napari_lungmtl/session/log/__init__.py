"""The log of commands beside the findings of an image: written with them, listed in the window, joined with another person's."""
