"""Upright rectangles, on the screen or in the world: no napari, no Qt."""

from __future__ import annotations

import numpy as np

Rectangle = tuple[float, float, float, float]
"""Top, left, bottom, right."""
_SLACK = 1e-6


def corners(rectangle: Rectangle) -> np.ndarray:
    """Corners (4, 2) of a rectangle, clockwise from the upper left."""
    top, left, bottom, right = rectangle
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])


def overlap(a: Rectangle, b: Rectangle) -> bool:
    """Whether two rectangles have some area in common."""
    return a[0] < b[2] - _SLACK and b[0] < a[2] - _SLACK and a[1] < b[3] - _SLACK and b[1] < a[3] - _SLACK
