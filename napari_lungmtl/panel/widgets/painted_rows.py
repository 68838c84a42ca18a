"""Rows of text and small scales that are painted, not built of widgets: dozens of labels would slow each selection."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QLineF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from .theme import Palette, palette

GAP = 6
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
CENTRE = Qt.AlignmentFlag.AlignCenter


class PaintedRows(QWidget):
    """Base of the card's painted widgets: rows as high as their text, as wide as the dock."""

    def __init__(self) -> None:
        super().__init__()
        self.colors: Palette = palette("dark")
        self._rows = 0
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.colors = colors
        self.update()

    def set_row_count(self, rows: int) -> None:
        """Take the height of so many rows."""
        if rows != self._rows:
            self._rows = rows
            self.updateGeometry()

    @property
    def row_height(self) -> float:
        """Pixels from row to row."""
        self.ensurePolished()  # the style sheet says how large the text is
        return QFontMetricsF(self.font()).height() + 4

    def sizeHint(self) -> QSize:
        """The height of the rows."""
        return QSize(200, round(self._rows * self.row_height))

    def row(self, number: int) -> QRectF:
        """Place of a row."""
        return QRectF(0, number * self.row_height, self.width(), self.row_height)

    def widest(self, texts: Iterable[str]) -> float:
        """Width of the widest of some texts, in bold."""
        font = QFont(self.font())
        font.setBold(True)
        metrics = QFontMetricsF(font)
        return max((metrics.horizontalAdvance(text) for text in texts), default=0.0)

    def color(self, name: str, alpha: int = 255) -> QColor:
        """A colour of the palette."""
        color = QColor(name)
        color.setAlpha(alpha)
        return color

    def write(
        self,
        painter: QPainter,
        place: QRectF,
        align: Qt.AlignmentFlag,
        text: str,
        color: str | None = None,
        *,
        bold: bool = False,
    ) -> None:
        """Text in a place, faint unless a colour is given, shortened where it does not fit."""
        font = QFont(self.font())
        font.setBold(bold)
        painter.setFont(font)
        painter.setPen(self.color(color or self.colors.faint))
        shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, place.width() + 1)
        painter.drawText(place, align, shown)

    def track(self, painter: QPainter, place: QRectF) -> None:
        """The empty scale that a bar or a dot lies on."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.color(self.colors.line))
        painter.drawRoundedRect(place, 2, 2)

    def whisker(self, painter: QPainter, place: QRectF, low: float, high: float, color: QColor) -> None:
        """A fine line with end ticks from one fraction of a place's width to another."""
        a, b, y = place.left() + low * place.width(), place.left() + high * place.width(), place.center().y()
        painter.setPen(QPen(color, 1.2))
        painter.drawLines(QLineF(a, y, b, y), QLineF(a, y - 3, a, y + 3), QLineF(b, y - 3, b, y + 3))
