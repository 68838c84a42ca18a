"""The list of commands on the image under review, and the way back to any of them."""
