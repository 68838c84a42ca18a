"""Where a detector is blind: nodules put into an image, and how many of them it finds there."""
