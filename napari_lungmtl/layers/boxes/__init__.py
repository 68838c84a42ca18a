"""Boxes of radiographs, and the captions that stand beside them."""
