"""Flat contours: which are holes in others, and which points of rows they enclose."""
