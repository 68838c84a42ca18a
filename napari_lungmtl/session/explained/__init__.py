"""The reasons of runs on the open images, and what became of their marks."""
