"""The truth over an image, and what became of the findings beside it."""
