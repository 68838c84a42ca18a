"""The log of commands beside the findings of an image."""
