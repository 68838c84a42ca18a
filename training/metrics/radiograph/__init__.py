"""Figures of radiographs: images, masks, components, shams."""
