"""A table cell with a malignancy: a small bar in its colour before the number."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPalette
from qtpy.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from ...layers.malignancy_colors import malignancy_hex
from ...text.votes import shown_malignancy
from .model import FINDING

LENGTH, HEIGHT, MARGIN = 36, 9, 4
"""Pixels of a bar for malignancy 1, and of the room to its left."""
ROOM = LENGTH + 2 * MARGIN
"""Pixels that a cell needs beside its number."""


class MalignancyDelegate(QStyledItemDelegate):
    """Draws the bar; the style draws the rest."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw the number at the right, and the bar over an empty one at the left."""
        super().paint(painter, option, index)
        if painter is None:
            return
        malignancy = shown_malignancy(index.data(FINDING))
        if malignancy is None:
            return
        cell = option.rect
        bar = QRectF(cell.left() + MARGIN, cell.center().y() - HEIGHT / 2 + 1, LENGTH, HEIGHT)
        empty = QColor(option.palette.color(QPalette.ColorRole.Text))
        empty.setAlpha(50)
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(empty)
        painter.drawRect(bar)
        painter.setBrush(QColor(malignancy_hex(malignancy)))
        bar.setWidth(max(1.0, LENGTH * malignancy))
        painter.drawRect(bar)
        painter.restore()
