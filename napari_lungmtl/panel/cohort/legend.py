"""What the colours of the map mean: a bar with words at its ends, or a swatch for each category."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter, QPaintEvent

from ..widgets.painted_rows import GAP, LEFT, RIGHT, PaintedRows
from .colors import Coloring

_BAR = 9
_UNKNOWN = "not known"


class ColoringLegend(PaintedRows):
    """Legend of one colouring; `unknown` nodules are drawn hollow, and counted here."""

    def __init__(self) -> None:
        super().__init__()
        self._coloring: Coloring | None = None
        self._unknown = 0

    def show_coloring(self, coloring: Coloring | None, unknown: int) -> None:
        """Show what a colouring means, and how many nodules have no value."""
        self._coloring, self._unknown = coloring, unknown
        self.set_row_count(len(self._lines()))
        self.setToolTip("" if coloring is None else f"Colour: {coloring.title}")
        self.update()

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the bar or the swatches."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for number, line in enumerate(self._lines()):
            x = 0.0
            for text, color in line:
                place = self.row(number)
                if color is None:
                    self._bar(painter, place)
                else:
                    x = self._swatch(painter, place, x, text, color)
        painter.end()

    def _lines(self) -> list[list[tuple[str, np.ndarray | None]]]:
        """Text and colour of the swatches by line; the bar is one without a colour."""
        if self._coloring is None:
            return []
        entries: list[tuple[str, np.ndarray | None]] = list(self._coloring.swatches())
        lines: list[list[tuple[str, np.ndarray | None]]] = [] if entries else [[("", None)]]
        if self._unknown:
            entries.append((f"{self._unknown} {_UNKNOWN}", np.zeros(4)))
        x = np.inf
        for text, color in entries:
            width = self._width(text)
            if x + width > self.width():
                lines.append([])
                x = 0.0
            lines[-1].append((text, color))
            x += width
        return lines

    def _width(self, text: str) -> float:
        self.ensurePolished()
        return QFontMetricsF(self.font()).horizontalAdvance(text) + _BAR + 3 * GAP

    def _swatch(self, painter: QPainter, place: QRectF, x: float, text: str, color: np.ndarray) -> float:
        spot = QRectF(x + 0.5, place.center().y() - _BAR / 2, _BAR, _BAR)
        painter.setPen(Qt.PenStyle.NoPen if color[3] else self.color(self.colors.faint))
        painter.setBrush(QColor.fromRgbF(*map(float, color)) if color[3] else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(spot)
        end = x + self._width(text)
        self.write(
            painter, QRectF(x + _BAR + GAP, place.top(), end - x - _BAR - GAP, place.height()), LEFT, text
        )
        return end

    def _bar(self, painter: QPainter, place: QRectF) -> None:
        coloring = self._coloring
        if coloring is None:
            return
        left, right = self.widest([coloring.low_text]), self.widest([coloring.high_text])
        self.write(painter, QRectF(0, place.top(), left, place.height()), LEFT, coloring.low_text)
        self.write(
            painter,
            QRectF(place.right() - right, place.top(), right, place.height()),
            RIGHT,
            coloring.high_text,
        )
        bar = QRectF(left + GAP, place.center().y() - _BAR / 2, place.width() - left - right - 2 * GAP, _BAR)
        gradient = QLinearGradient(bar.left(), 0, bar.right(), 0)
        stops = np.linspace(0, 1, 17)
        for stop, color in zip(stops, coloring.scale(stops), strict=True):
            gradient.setColorAt(float(stop), QColor.fromRgbF(*map(float, color)))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(bar, 2, 2)

    def resizeEvent(self, _event: object) -> None:
        """More or fewer swatches go into a line."""
        self.set_row_count(len(self._lines()))
