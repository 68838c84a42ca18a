"""Upright rectangles, on the screen or in the world: no napari, no Qt."""

from __future__ import annotations

import numpy as np

Rectangle = tuple[float, float, float, float]
"""Top, left, bottom, right."""


def corners(rectangle: Rectangle) -> np.ndarray:
    """Corners (4, 2) of a rectangle, clockwise from the upper left."""
    top, left, bottom, right = rectangle
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])
