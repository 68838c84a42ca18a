"""Marks, crosshair and grey values as Qt paints them: alike on the canvas and on the views beside it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from napari.layers import Image as ImageLayer
from qtpy.QtCore import QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from ..canvas.frame import Frame
from ..layers.spheres.discs import HALO_WIDTH, SELECTED_WIDTH, WIDTH
from .marks import Mark

CROSSHAIR = QColor(190, 225, 140, 190)
"""Off the colours of malignancy, of the truth and of the selection."""
GAP = 14.0
"""Pixels round the point that stay free: what is looked at is not drawn over."""
SMALLEST = 6.0
"""Pixels of the smallest ring's radius."""
_ROWS = 64
"""Pixels of an upright line that are filled at once: more would be shared out among threads, and waited for."""
HALO = QColor(10, 10, 13, 180)
"""On either side of a line, by which it is seen on bone, as about the rings of napari's canvas."""
SLAB_LETTERS, SLAB_GROUND = QColor("#1b1400"), QColor("#f0c040")
"""Of the words that say that a picture is a slab: not to be overlooked."""


def table_of(layer: ImageLayer) -> tuple[int, ...]:
    """A layer's colours of 256 levels (``0xAARRGGBB``) from the low to the high end of its window."""
    levels = np.linspace(0.0, 1.0, 256) ** float(layer.gamma)
    rgb = np.rint(layer.colormap.map(levels)[:, :3] * 255).astype(int)
    return tuple((0xFF000000 + (rgb @ (0x10000, 0x100, 1))).tolist())


def picture(values: np.ndarray, limits: tuple[float, float], table: Sequence[int]) -> QImage:
    """Values (rows, columns) in a window (low, high), each of 256 levels in its colour of a table (``0xAARRGGBB``)."""
    low, high = limits
    levels = np.clip((values - np.float32(low)) * np.float32(255 / max(high - low, 1e-6)), 0, 255)
    height, width = levels.shape
    image = QImage(levels.astype(np.uint8).tobytes(), width, height, width, QImage.Format.Format_Indexed8)
    image.setColorTable(table)
    return image.convertToFormat(QImage.Format.Format_RGB32)  # a copy, which Qt draws quickest


def paint_marks(painter: QPainter, frame: Frame, marks: Iterable[Mark]) -> None:
    """Draw outlines with lines of a constant width, as napari's canvas has its rings."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for mark in marks:
        width = SELECTED_WIDTH if mark.selected else WIDTH
        for pen in (QPen(HALO, width + 2 * HALO_WIDTH), QPen(QColor.fromRgbF(*mark.color), width)):
            painter.setPen(pen)
            _draw(painter, frame, mark)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _draw(painter: QPainter, frame: Frame, mark: Mark) -> None:
    if mark.lines:
        for line in mark.lines:
            painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in frame.plane_to_screen(line)]))
        return
    x, y = frame.plane_to_screen(mark.center)
    radius = max(mark.radius / frame.mm, SMALLEST)
    if mark.square:
        painter.drawRect(QRectF(x - radius, y - radius, 2 * radius, 2 * radius))
    else:
        painter.drawEllipse(QPointF(x, y), radius, radius)


def paint_crosshair(painter: QPainter, frame: Frame, world: Sequence[float]) -> None:
    """Draw two lines through a world point (z, y, x), which leave it free itself."""
    x, y = (int(c) for c in np.round(frame.to_screen(world)))
    height, width = frame.size
    gap = int(GAP)
    rows, columns = ((0, y - gap), (y + gap + 1, height)), ((0, x - gap), (x + gap + 1, width))
    # Filled, not stroked: Qt cuts an upright line into as many pieces as it has rows, and shares them out among threads.
    for first, last in columns:
        painter.fillRect(QRect(first, y, max(last - first, 0), 1), CROSSHAIR)
    for first, last in rows:
        for start in range(first, last, _ROWS):
            painter.fillRect(QRect(x, start, 1, min(_ROWS, last - start)), CROSSHAIR)
