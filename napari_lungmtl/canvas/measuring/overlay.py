"""Measurements drawn over the canvas: thin bright lines in a dark rim, and their values on a ground, legible on lung and bone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from ...layers.rectangle import Rectangle, overlap
from ...training.findings import Measurement
from .strokes import Strokes

LINE, CHOSEN, RIM, GROUND = (
    QColor("#ffd24a"),
    QColor("#ffffff"),
    QColor(0, 0, 0, 170),
    QColor(10, 11, 14, 205),
)
"""Colours of a measurement, of the selected one, of the rim round a line, and of what letters stand on."""
FONT_PT = 10
_PAD, _GAP, _EDGE, _TICK = 4.0, 12.0, 8.0, 6.0
"""Pixels round a text, between a text and its lines, to the edge of the canvas, and of half a tick at the end of a line."""


class MeasurementsOverlay(QWidget):
    """Paints what it is given; the mouse goes through it to the canvas."""

    moved = Signal()
    """Its lines or its texts lie elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._font = QFont(self.font())
        self._font.setPointSizeF(FONT_PT)
        self._drawn: tuple[tuple[Measurement, Strokes, tuple[str, ...]], ...] = ()
        self._chosen: str | None = None
        self.labels: dict[str, QRectF] = {}
        self._rectangles: tuple[Rectangle, ...] = ()
        self.marks: Callable[[], Sequence[Rectangle]] = tuple
        """Tells where the findings' marks lie, which texts must not cover."""
        self.hide()

    @property
    def drawn(self) -> tuple[tuple[Measurement, Strokes, tuple[str, ...]], ...]:
        """Each measurement that is shown, with its lines and its text."""
        return self._drawn

    def draw(self, drawn: Iterable[tuple[Measurement, Strokes, tuple[str, ...]]], chosen: str | None) -> None:
        """Show these measurements with their texts, one of them as the selected one."""
        self._drawn, self._chosen = tuple(drawn), chosen
        self.labels = self._lay_out()
        texts = ((box.top(), box.left(), box.bottom(), box.right()) for box in self.labels.values())
        canvas = 0.0, 0.0, float(self.height()), float(self.width())
        lines = (p for _, strokes, _ in self._drawn for p in strokes.pieces if overlap(p, canvas))
        before, self._rectangles = self._rectangles, (*texts, *lines)
        self.update()
        if self._rectangles != before:
            self.moved.emit()

    def rectangles(self) -> tuple[Rectangle, ...]:
        """Where texts and lines lie, so that others keep off: top, left, bottom and right in pixels."""
        return self._rectangles

    def label_at(self, x: float, y: float) -> str | None:
        """Id of the measurement whose text lies at a place."""
        return next((id for id, box in self.labels.items() if box.contains(QPointF(x, y))), None)

    # ---- texts

    def _lay_out(self) -> dict[str, QRectF]:
        """Where each text stands: beside its lines, over no other text, no mark and no measurement, inside the canvas."""
        if not self._drawn:  # where all marks lie is worked out anew for each slice
            return {}
        room = QRectF(self.rect()).adjusted(_EDGE, _EDGE, -_EDGE, -_EDGE)
        canvas = QRectF(self.rect())
        pieces = [_of(piece) for _, strokes, _ in self._drawn for piece in strokes.pieces]
        covered = [*(_of(mark) for mark in self.marks()), *pieces]
        placed: dict[str, QRectF] = {}
        metrics = QFontMetricsF(self._font)
        for measurement, strokes, text in self._drawn:
            if not text or not _rect(strokes.box).intersects(canvas):
                continue
            size = metrics.size(0, "\n".join(text))
            ways = _ways(strokes, size.width() + 2 * _PAD, size.height() + 2 * _PAD)
            if measurement.kind == "axes":  # the nodule's own marks stand at its right
                ways = [ways[k] for k in (2, 1, 3, 0)] + ways[4:]
            placed[measurement.id] = min(
                (_inside(way, room) for way in ways),
                key=lambda box: (
                    sum(_shared(box, other) for other in placed.values()),
                    sum(_shared(box, other) for other in covered),
                ),
            )
        return placed

    # ---- paint

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw lines, then texts over them."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._font)
        for measurement, strokes, _ in self._drawn:
            self._draw_lines(painter, measurement, strokes)
        for measurement, strokes, text in self._drawn:
            if measurement.id in self.labels:
                self._draw_text(painter, measurement, strokes, text)
        painter.end()

    def _draw_lines(self, painter: QPainter, measurement: Measurement, strokes: Strokes) -> None:
        chosen = measurement.id == self._chosen
        color = CHOSEN if chosen else LINE
        lines = [QPolygonF([QPointF(*p) for p in line]) for line in _with_ticks(measurement, strokes)]
        outline = QPolygonF([QPointF(*p) for p in strokes.outline])
        for pen in (QPen(RIM, 4.0), QPen(color, 1.6)):
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            painter.setPen(pen)
            for line in lines:
                painter.drawPolyline(line)
        if len(strokes.outline):
            pen = QPen(color, 1.2, Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.drawPolygon(outline)
        if chosen:
            painter.setPen(QPen(RIM, 1.0))
            painter.setBrush(color)
            for x, y in strokes.handles:
                painter.drawRect(QRectF(x - 3.5, y - 3.5, 7, 7))
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _draw_text(
        self, painter: QPainter, measurement: Measurement, strokes: Strokes, text: Sequence[str]
    ) -> None:
        box = self.labels[measurement.id]
        color = CHOSEN if measurement.id == self._chosen else LINE
        near, start = _link(strokes, box)
        if np.hypot(near.x() - start.x(), near.y() - start.y()) > 1.5 * _GAP:
            painter.setPen(QPen(color, 1.0, Qt.PenStyle.DashLine))
            painter.drawLine(start, near)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(GROUND)
        painter.drawRoundedRect(box, 3, 3)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(color)
        inner = box.adjusted(_PAD, _PAD, -_PAD, -_PAD)
        painter.drawText(inner, int(Qt.AlignmentFlag.AlignLeft), "\n".join(text))


def _rect(box: tuple[float, float, float, float]) -> QRectF:
    left, top, right, bottom = box
    return QRectF(left, top, max(right - left, 1.0), max(bottom - top, 1.0))


def _of(rectangle: Rectangle) -> QRectF:
    top, left, bottom, right = rectangle
    return QRectF(left, top, right - left, bottom - top)


def _ways(strokes: Strokes, width: float, height: float) -> list[QRectF]:
    """Places for a text, the best first: right, below, left, above, the corners; then further off."""
    left, top, right, bottom = strokes.box
    middle = ((left + right) / 2, (top + bottom) / 2)
    places = []
    for gap in (_GAP, 2.5 * _GAP, 5 * _GAP):
        around = [
            (right + gap, middle[1] - height / 2),
            (middle[0] - width / 2, bottom + gap),
            (left - gap - width, middle[1] - height / 2),
            (middle[0] - width / 2, top - gap - height),
        ]
        places += around
        places += [
            (x, y) for x in (right + gap, left - gap - width) for y in (bottom + gap, top - gap - height)
        ]
        places += [(x, y + k * (height + 2)) for k in (1, -1, 2, -2) for x, y in around]
    return [QRectF(x, y, width, height) for x, y in places]


def _inside(box: QRectF, room: QRectF) -> QRectF:
    """The text moved into the canvas."""
    x = max(min(box.left(), room.right() - box.width()), room.left())
    y = max(min(box.top(), room.bottom() - box.height()), room.top())
    return QRectF(x, y, box.width(), box.height())


def _shared(one: QRectF, other: QRectF) -> float:
    """Area (pixels) that two rectangles share."""
    both = one.intersected(other)
    return max(both.width(), 0.0) * max(both.height(), 0.0)


def _link(strokes: Strokes, box: QRectF) -> tuple[QPointF, QPointF]:
    """The point of the text that is nearest to the lines, and that of the lines."""
    steps = np.linspace(0, 1, 9)[:, None]
    pieces = [a + steps * (b - a) for line in strokes.lines for a, b in pairwise(line)]
    points = np.vstack(pieces)
    x = np.clip(points[:, 0], box.left(), box.right())
    y = np.clip(points[:, 1], box.top(), box.bottom())
    best = int(np.hypot(points[:, 0] - x, points[:, 1] - y).argmin())
    return QPointF(float(x[best]), float(y[best])), QPointF(*points[best])


def _with_ticks(measurement: Measurement, strokes: Strokes) -> list[np.ndarray]:
    """The lines, with ticks across the ends of those whose length is measured."""
    if measurement.kind not in ("line", "axes"):
        return list(strokes.lines)
    ticks = []
    for line in strokes.lines:
        step = line[1] - line[0]
        length = float(np.hypot(*step))
        if length > 7 * _TICK:  # across a small nodule they would hide it
            across = np.array([-step[1], step[0]]) / length * _TICK
            ticks += [np.array([end - across, end + across]) for end in line]
    return [*strokes.lines, *ticks]
