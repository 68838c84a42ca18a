"""A scatter plot to look round in: the wheel zooms, a drag moves, a click chooses a point."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import (
    QColor,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from ...layers.spheres.rows import ACCENT
from ..widgets.qt import sure
from ..widgets.theme import Palette, palette

RADII = (3.0, 4.5)
"""Pixels of a point, where there are many (from 500 on) and few."""
REACH = 9.0
"""Pixels from a point within which a click or the pointer means it."""
MARGIN = 16
DRAG = 4
"""Pixels that the pointer may move in a click."""
ZOOMS = (1.0, 60.0)


class ScatterPlot(QWidget):
    """Points in a plane with a colour each; one may be marked.

    Positions are drawn with the first axis to the right and the second upwards, in equal units.
    """

    chosen = Signal(int)
    """The row of a point that was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Map of nodules")
        self.describe: Callable[[int], str] = str
        """Text of the tooltip of a row."""
        self._palette: Palette = palette("dark")
        self._positions = np.empty((0, 2))
        self._colors: list[QColor | None] = []
        self._marked: int | None = None
        self._hovered: int | None = None
        self._zoom = 1.0
        self._middle = np.zeros(2)
        self._pressed: QPointF | None = None
        self._dragging = False

    def sizeHint(self) -> QSize:
        """About a square in the dock."""
        return QSize(340, 320)

    # ---- what is shown

    def set_positions(self, positions: np.ndarray) -> None:
        """Show other points (n, 2); those with NaN are not drawn. The colours stay where their number fits."""
        if len(positions) != len(self._positions):
            self._marked = self._hovered = None
            self.reset_view()
        self._positions = np.asarray(positions, float)
        if len(self._colors) != len(positions):
            self._colors = [None] * len(positions)
        self.update()

    def set_colors(self, colors: np.ndarray) -> None:
        """RGBA (n, 4), 0–1; a point with alpha 0 is drawn hollow."""
        self._colors = [QColor.fromRgbF(*map(float, c)) if c[3] else None for c in colors]
        self.update()

    def set_palette(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self._palette = colors
        self.update()

    def mark(self, row: int | None) -> None:
        """Put a ring round a point, or none."""
        self._marked = row
        self.update()

    @property
    def radius(self) -> float:
        """Pixels of a point."""
        return RADII[0] if len(self._positions) >= 500 else RADII[1]

    @property
    def has_points(self) -> bool:
        """Whether any point has a place."""
        return bool(np.isfinite(self._positions).all(axis=1).any())

    @property
    def marked(self) -> int | None:
        """The row with the ring."""
        return self._marked

    def color(self, row: int) -> QColor | None:
        """The colour of a point, None where it is hollow."""
        return self._colors[row]

    def reset_view(self) -> None:
        """Show all points."""
        self._zoom, self._middle = 1.0, np.zeros(2)
        self.update()

    @property
    def zoom(self) -> float:
        """1 shows all points."""
        return self._zoom

    def to_pixels(self) -> np.ndarray:
        """(n, 2) x and y of the points in the widget, NaN for those without a place."""
        known = self._positions[np.isfinite(self._positions).all(axis=1)]
        if not len(known):
            return np.full((len(self._positions), 2), np.nan)
        low, high = known.min(axis=0), known.max(axis=0)
        room = np.array([self.width(), self.height()]) - 2 * MARGIN
        fit = np.min(np.maximum(room, 1) / np.maximum(high - low, 1e-12))
        offset = ((self._positions - (low + high) / 2) * fit - self._middle) * self._zoom
        return offset * (1, -1) + (self.width() / 2, self.height() / 2)

    def at(self, pixel: QPointF) -> int | None:
        """The row of the point under the pointer, the nearest of several."""
        pixels = self.to_pixels()
        if not np.isfinite(pixels).any():
            return None
        distance = np.linalg.norm(pixels - (pixel.x(), pixel.y()), axis=1)
        nearest = int(np.nanargmin(distance))
        return nearest if distance[nearest] <= REACH else None

    # ---- painting

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the points, those without a colour first and the marked one last."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(self._palette.background))
        painter.setPen(QPen(QColor(self._palette.line), 1))
        painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        pixels = self.to_pixels()
        inside = np.isfinite(pixels).all(axis=1)
        radius, room = self.radius, self._room()
        inside[inside] = np.all((pixels[inside] > -radius) & (pixels[inside] < room + radius), axis=1)
        rows = sorted(np.flatnonzero(inside), key=lambda row: self._colors[row] is not None)
        edge, hollow = QColor(self._palette.background), QColor(self._palette.faint)
        for row in rows:
            color = self._colors[row]
            painter.setPen(QPen(hollow if color is None else edge, 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush if color is None else color)
            painter.drawEllipse(QPointF(*pixels[row]), radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for marked, accent, width in (
            (self._hovered, QColor(self._palette.text), 1.5),
            (self._marked, QColor.fromRgbF(*ACCENT), 2.5),  # as the selected sphere in the image
        ):
            if marked is not None and inside[marked]:
                self._ring(painter, QPointF(*pixels[marked]), accent, width)
        painter.end()

    def _ring(self, painter: QPainter, place: QPointF, color: QColor, width: float) -> None:
        radius = self.radius + 2 + width
        painter.setPen(QPen(QColor(self._palette.background), width + 2))
        painter.drawEllipse(place, radius, radius)
        painter.setPen(QPen(color, width))
        painter.drawEllipse(place, radius, radius)

    def _room(self) -> np.ndarray:
        return np.array([self.width(), self.height()])

    # ---- the pointer

    def event(self, event: QEvent | None) -> bool:
        """Say what is under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            row = self.at(QPointF(event.pos()))
            if row is None:
                QToolTip.hideText()
                event.ignore()
            else:
                QToolTip.showText(event.globalPos(), self.describe(row), self)
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom about the pointer; the dock does not scroll."""
        event = sure(event)
        zoom = float(np.clip(self._zoom * 1.2 ** (event.angleDelta().y() / 120), *ZOOMS))
        pointer = (np.array([event.position().x(), event.position().y()]) - self._room() / 2) * (1, -1)
        self._middle = self._middle + pointer / self._zoom - pointer / zoom
        self._zoom = zoom
        if zoom == ZOOMS[0]:
            self._middle = np.zeros(2)
        self.update()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """A click or a drag begins."""
        event = sure(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._dragging = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the map, or light up the point under the pointer."""
        event = sure(event)
        if self._pressed is not None:
            moved = event.position() - self._pressed
            if self._dragging or moved.manhattanLength() > DRAG:
                self._dragging = True
                self._pressed = event.position()
                self._middle = self._middle - np.array([moved.x(), -moved.y()]) / self._zoom
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self.update()
            return
        self._hover(self.at(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Choose the point that was clicked."""
        event = sure(event)
        pressed, self._pressed = self._pressed, None
        if event.button() != Qt.MouseButton.LeftButton or pressed is None:
            return
        if not self._dragging and (row := self.at(event.position())) is not None:
            self.chosen.emit(row)
        self._hover(self.at(event.position()), always=True)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Beside the points: show all of them again."""
        event = sure(event)
        if self.at(event.position()) is None:
            self.reset_view()

    def leaveEvent(self, _event: QEvent | None) -> None:
        """Nothing is under the pointer."""
        self._hover(None)

    def resizeEvent(self, _event: QResizeEvent | None) -> None:
        """The points take their new places."""
        self.update()

    def _hover(self, row: int | None, *, always: bool = False) -> None:
        if row == self._hovered and not always:
            return
        self._hovered = row
        self.setCursor(Qt.CursorShape.PointingHandCursor if row is not None else Qt.CursorShape.ArrowCursor)
        self.update()
