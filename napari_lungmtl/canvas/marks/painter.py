"""Painting captions, lines to marks, and the table of attributes."""

from __future__ import annotations

from functools import lru_cache

from qtpy.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from ...layers.rectangle import Rectangle
from .layout import Place, Size
from .scene import ACCENT_HEX, Caption, Scene, Table

LETTERS, GROUND = QColor("#f4f4f4"), QColor(10, 11, 14, 205)
"""Letters, and what they stand on: legible over lung and over bone, in both themes."""
FILLED = QColor("#38709f")
"""The bars: a blue with 5 : 1 to the letters."""
SPREAD = QColor(244, 244, 244, 150)
"""The readers' spread: a line below the value."""
FONT_PT = 10
AT_ONCE = 64
"""Rows of pixels that are filled at once."""
_PAD, _SWATCH = 5.0, 4.0
"""Pixels beside a text, and of the mark's colour before it."""


def font() -> QFont:
    """The letters of all texts here."""
    result = QFont()
    result.setPointSizeF(FONT_PT)
    return result


@lru_cache(maxsize=4096)
def measure(text: str) -> Size:
    """Height and width in pixels of a caption with its ground."""
    metrics = QFontMetricsF(font())
    return metrics.height() + 2, metrics.horizontalAdvance(text) + 2 * _PAD + _SWATCH


def paint(painter: QPainter, scene: Scene) -> None:
    """Draw captions and table in the pixels that the scene was laid out in; marks are drawn by their own layers and views."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font())
    for caption in scene.captions:
        _leader(painter, caption.place, caption.mark.color)
    for caption in scene.captions:
        _caption(painter, caption)
    if scene.table is not None:
        _table(painter, scene.table)


def _leader(painter: QPainter, place: Place, color: str) -> None:
    if place.leader is None:
        return
    (y0, x0), (y1, x1) = place.leader
    for pen in (QPen(GROUND, 3.0), QPen(QColor(color), 1.2)):
        painter.setPen(pen)
        painter.drawLine(QLineF(x0, y0, x1, y1))


def _caption(painter: QPainter, caption: Caption) -> None:
    rect, color = _rect(caption.place.rectangle), QColor(caption.mark.color)
    painter.setPen(QPen(QColor(ACCENT_HEX), 1.0) if caption.mark.selected else Qt.PenStyle.NoPen)
    painter.setBrush(GROUND)
    painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5) if caption.mark.selected else rect)
    painter.fillRect(QRectF(rect.left(), rect.top(), _SWATCH, rect.height()), color)
    painter.setPen(LETTERS)
    _write(painter, rect.adjusted(_SWATCH + _PAD, 0, 0, 0), caption.mark.text)


def _table(painter: QPainter, shown: Table) -> None:
    rect = _rect(shown.rectangle)
    _fill(painter, rect.toRect(), GROUND)
    painter.fillRect(QRectF(rect.left(), rect.top(), _SWATCH, rect.height()), QColor(ACCENT_HEX))
    painter.setPen(LETTERS)
    bold = font()
    bold.setBold(True)
    painter.setFont(bold)
    row = shown.bars[0].strip[0] if shown.bars else rect.height()
    _write(painter, QRectF(rect.left() + _SWATCH + _PAD, rect.top(), rect.width(), row), shown.title)
    painter.setFont(font())
    for bar in shown.bars:
        strip, filled = (_rect(part).translated(rect.topLeft()) for part in (bar.strip, bar.filled))
        _write(painter, strip.adjusted(_SWATCH + _PAD, 0, 0, 0), bar.name)
        if filled.width() > 1:
            painter.fillRect(filled, FILLED)
        if bar.spread is not None:
            painter.fillRect(_rect(bar.spread).translated(rect.topLeft()), SPREAD)
        _write(painter, filled.adjusted(_PAD - 1, -1, 999, 1), bar.value)


def _fill(painter: QPainter, rect: QRect, color: QColor) -> None:
    """Fill a rectangle a few rows at a time: Qt would share out more among threads, and wait for them."""
    for top in range(rect.top(), rect.bottom() + 1, AT_ONCE):
        painter.fillRect(rect.left(), top, rect.width(), min(AT_ONCE, rect.bottom() + 1 - top), color)


def _write(painter: QPainter, rect: QRectF, text: str) -> None:
    painter.drawText(rect, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)


def _rect(rectangle: Rectangle) -> QRectF:
    top, left, bottom, right = rectangle
    return QRectF(QPointF(left, top), QPointF(right, bottom))
