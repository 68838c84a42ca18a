"""Texts and scale bars that lie over a picture beside the canvas, on a ground of their own, as the canvas has them."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen
from qtpy.QtWidgets import QWidget

LETTERS, GROUND = QColor("#f4f4f4"), QColor(10, 11, 14, 150)
"""Letters, and what they stand on: legible over lung and over bone, in both themes."""
FONT_PT = 10
MARGIN, PAD = 8.0, 4.0
"""Pixels to the edge of the picture, and round a text."""


def letters_of(widget: QWidget) -> QFont:
    """The font of texts over a picture."""
    font = QFont(widget.font())
    font.setPointSizeF(FONT_PT)
    return font


def cut_to(letters: QFontMetricsF, text: str, room: float) -> str:
    """Lines no wider than some pixels: what is longer ends in an ellipsis."""
    return "\n".join(letters.elidedText(line, Qt.TextElideMode.ElideRight, room) for line in text.split("\n"))


def text_box(
    letters: QFontMetricsF, text: str, wide: float, high: float, across: float, down: float
) -> QRectF:
    """Ground of lines at a part (0–1) of a picture's width and height, in pixels."""
    size = letters.size(0, text)
    width, height = size.width() + 2 * PAD, size.height() + 2 * PAD
    return QRectF(
        MARGIN + across * (wide - 2 * MARGIN - width),
        MARGIN + down * (high - 2 * MARGIN - height),
        width,
        height,
    )


def scale_box(letters: QFontMetricsF, pixels: float, text: str, wide: float, high: float) -> QRectF:
    """Ground of a scale bar at the lower right of a picture."""
    line = letters.height()
    width = max(pixels, letters.horizontalAdvance(text)) + 2 * PAD
    return QRectF(wide - MARGIN - width, high - MARGIN - line - 12, width, line + 12)


def write(
    painter: QPainter,
    text: str,
    wide: float,
    high: float,
    across: float,
    down: float,
    letters: QColor = LETTERS,
    ground: QColor = GROUND,
) -> QRectF:
    """Write lines at a part (0–1) of the picture's width and height, in the painter's font; their ground in pixels."""
    box = text_box(QFontMetricsF(painter.font()), text, wide, high, across, down)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(letters)
    side = Qt.AlignmentFlag.AlignRight if across == 1 else Qt.AlignmentFlag.AlignLeft
    painter.drawText(box.adjusted(PAD, PAD, -PAD, -PAD), int(side), text)
    return box


def draw_scale(painter: QPainter, pixels: float, text: str, wide: float, high: float) -> None:
    """Draw a bar of a length in pixels, with its words above, at the lower right of a picture."""
    box = scale_box(QFontMetricsF(painter.font()), pixels, text, wide, high)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(GROUND)
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(LETTERS)
    painter.drawText(box.adjusted(0, 2, 0, 0), int(Qt.AlignmentFlag.AlignHCenter), text)
    painter.setPen(QPen(LETTERS, 2))
    left, y = box.center().x() - pixels / 2, box.bottom() - 6
    painter.drawLine(QPointF(left, y), QPointF(left + pixels, y))
    for x in (left, left + pixels):
        painter.drawLine(QPointF(x, y - 3), QPointF(x, y + 3))
