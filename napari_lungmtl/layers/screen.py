"""Pixels of the screen."""

from __future__ import annotations

from qtpy.QtGui import QGuiApplication


def pixel_size() -> float:
    """Pixels of the canvas, as Qt and napari's zoom count them, for one of 96 to the inch: letters grow with them."""
    screen = QGuiApplication.primaryScreen()
    return max(screen.logicalDotsPerInch() / 96, 1.0) if screen is not None else 1.0
