"""Masks of nodules and lungs on radiographs."""
