"""A FROC or ROC curve with its band; the present threshold is a handle on it."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF

from ...training.operating_point.curve import OperatingCurve
from ..widgets.painted_rows import CENTRE, GAP, LEFT, RIGHT, PaintedRows
from ..widgets.qt import sure

LOWEST = -3.0
"""Log2 of the fewest false marks a scan that a FROC curve shows; what has fewer lies at its left edge."""
FRACTIONS = {-3: "⅛", -2: "¼", -1: "½"}
ROWS = 7
"""Height of the area; what the axes are stands above and below it."""
HANDLE = 6.0
"""Pixels from the middle of the handle to its edge."""


class CurvePlot(PaintedRows):
    """Sensitivity over false marks a scan (logarithmic), or over false alarms of radiographs without a nodule."""

    moved = Signal(float)
    """A person drags the handle: the threshold of the point under the pointer."""

    def __init__(self) -> None:
        super().__init__()
        self.curve: OperatingCurve | None = None
        self.threshold = 0.5
        self._dragging = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Operating point")

    def sizeHint(self) -> QSize:
        """As wide as the dock, with what stands above and below."""
        return QSize(320, round((ROWS + 3.3) * self.row_height))

    def set_curve(self, curve: OperatingCurve | None) -> None:
        """Show another curve."""
        self.curve = curve
        self.update()

    def set_threshold(self, threshold: float) -> None:
        """Put the handle where a threshold is."""
        if threshold != self.threshold:
            self.threshold = threshold
            self.update()

    # ---- places

    @property
    def area(self) -> QRectF:
        """Where the curve is drawn."""
        left = self.widest(("100 %",)) + GAP
        high = self.row_height
        return QRectF(left, 1.2 * high, self.width() - left - 4 * GAP, ROWS * high)

    @property
    def highest(self) -> float:
        """Log2 of the most false marks a scan that are shown."""
        assert self.curve is not None
        most = float(self.curve.false[0].max(initial=1.0))
        return float(np.clip(np.ceil(np.log2(max(most, 1e-9))), 2, 7))

    def across(self, rate: np.ndarray | float) -> np.ndarray:
        """Fractions of the area's width of false marks, or false alarms."""
        assert self.curve is not None
        if self.curve.roc:
            return np.asarray(rate, float)
        log = np.log2(np.maximum(rate, 2.0**LOWEST))
        return np.clip((log - LOWEST) / (self.highest - LOWEST), 0, 1)

    def points(self) -> np.ndarray:
        """(k, 2) x and y in pixels of the curve's points."""
        assert self.curve is not None
        area = self.area
        x = area.left() + self.across(self.curve.false[0]) * area.width()
        return np.column_stack([x, area.bottom() - self.curve.sensitivity[0] * area.height()])

    def handle(self) -> QPointF:
        """The middle of the handle."""
        assert self.curve is not None
        return QPointF(*map(float, self.points()[self.curve.place(self.threshold)]))

    # ---- painting

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw axes, band, curve and handle."""
        if self.curve is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._draw_axes(painter, self.curve.roc)
        points, area = self.points(), self.area
        lower, upper = (
            np.column_stack([points[:, 0], area.bottom() - bound * area.height()])
            for bound in self.curve.sensitivity[1:]
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.color(self.colors.accent, 60))
        painter.drawPolygon(_polygon(np.concatenate([upper, lower[::-1]])))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.color(self.colors.accent), 2.0))
        painter.drawPolyline(_polygon(points))
        self._draw_handle(painter)
        painter.end()

    def _draw_axes(self, painter: QPainter, roc: bool) -> None:
        area, high = self.area, self.row_height
        axis = QPen(self.color(self.colors.line), 1.0)
        for sensitivity in (0.0, 0.25, 0.5, 0.75, 1.0):
            y = area.bottom() - sensitivity * area.height()
            painter.setPen(axis)
            painter.drawLine(QLineF(area.left(), y, area.right(), y))
            if sensitivity in (0.0, 0.5, 1.0):
                place = QRectF(0, y - high / 2, area.left() - GAP, high)
                self.write(painter, place, RIGHT, f"{100 * sensitivity:.0f} %")
        for fraction, text in self._ticks(roc):
            x = area.left() + fraction * area.width()
            painter.setPen(axis)
            painter.drawLine(QLineF(x, area.top(), x, area.bottom()))
            self.write(painter, QRectF(x - 26, area.bottom() + 2, 52, high), CENTRE, text)
        above = "suspected, of those with a nodule" if roc else "nodules found"
        below = "suspected, of those without" if roc else "false marks a scan"
        self.write(painter, QRectF(0, 0, self.width(), high), LEFT, above)
        place = QRectF(area.left(), area.bottom() + high, area.width(), high)
        self.write(painter, place, CENTRE, below)

    def _ticks(self, roc: bool) -> list[tuple[float, str]]:
        if roc:
            return [(f, f"{100 * f:.0f} %") for f in (0.0, 0.25, 0.5, 0.75, 1.0)]
        powers = range(int(LOWEST), int(self.highest) + 1)
        return [(float(self.across(2.0**n)), FRACTIONS.get(n) or f"{2**n}") for n in powers]

    def _draw_handle(self, painter: QPainter) -> None:
        assert self.curve is not None
        sensitivity, false = self.curve.at(self.threshold)
        at, area = self.handle(), self.area
        low, high = (area.left() + float(self.across(f)) * area.width() for f in (false.lower, false.upper))
        top, bottom = (area.bottom() - s * area.height() for s in (sensitivity.upper, sensitivity.lower))
        painter.setPen(QPen(self.color(self.colors.text, 190), 1.2))
        painter.drawLines(QLineF(low, at.y(), high, at.y()), QLineF(at.x(), top, at.x(), bottom))
        for x in (low, high):
            painter.drawLine(QLineF(x, at.y() - 3, x, at.y() + 3))
        for y in (top, bottom):
            painter.drawLine(QLineF(at.x() - 3, y, at.x() + 3, y))
        painter.setPen(QPen(self.color(self.colors.background), 2.0))
        painter.setBrush(self.color(self.colors.text))
        painter.drawEllipse(at, HANDLE, HANDLE)
        if self.hasFocus():
            painter.setPen(QPen(self.color(self.colors.text), 1.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at, HANDLE + 3, HANDLE + 3)

    # ---- the pointer and the keys

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take the handle along."""
        event = sure(event)
        if event.button() == Qt.MouseButton.LeftButton and self.curve is not None:
            self._dragging = True
            self._go_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move it along the curve."""
        if self._dragging:
            self._go_to(sure(event).position())

    def mouseReleaseEvent(self, _event: QMouseEvent | None) -> None:
        """Let it go."""
        self._dragging = False

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Right and left: one point of the curve looser or stricter."""
        event = sure(event)
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}.get(Qt.Key(event.key()))
        if step is None or self.curve is None:
            super().keyPressEvent(event)
            return
        place = self.curve.place(self.threshold) + step
        self._choose(int(np.clip(place, 0, len(self.curve.threshold) - 1)))

    def _go_to(self, pixel: QPointF) -> None:
        away = np.linalg.norm(self.points() - (pixel.x(), pixel.y()), axis=1)
        self._choose(int(away.argmin()))

    def _choose(self, place: int) -> None:
        assert self.curve is not None
        threshold = min(float(self.curve.threshold[place]), 1.0)
        if self.curve.place(threshold) != self.curve.place(self.threshold):
            self.moved.emit(threshold)


def _polygon(points: np.ndarray) -> QPolygonF:
    return QPolygonF([QPointF(x, y) for x, y in points.tolist()])
