"""Boxes of radiographs."""
