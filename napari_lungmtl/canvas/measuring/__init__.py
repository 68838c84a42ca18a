"""Measuring by hand on the canvas: the drawing of measurements, and the mouse that makes and moves them."""
