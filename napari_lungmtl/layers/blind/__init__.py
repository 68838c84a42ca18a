"""Layers of the map of blind places: chances over the image, and one graft to look at."""
