"""The map of many nodules."""
