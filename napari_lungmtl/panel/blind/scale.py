"""What the colours of the chances mean, in words."""

from __future__ import annotations

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ...layers.blind.chance import STOPS
from ..widgets.section import label


class Strip(QWidget):
    """The scale from 0 (left) to 1 (right), as it lies over dark lung."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A slim strip."""
        return QSize(60, 10)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the stops of the scale."""
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for place, color in STOPS.items():
            gradient.setColorAt(place, QColor.fromRgbF(*color[:3], 0.4 + 0.6 * color[3]))
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(QRectF(self.rect()), 2, 2)
        painter.end()


class ChanceScale(QWidget):
    """``seldom found ▬▬▬▬ nearly always``."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip(
            "Chance that a grafted nodule is marked at the present threshold, from 0 (left) to 1 (right).\n"
            "Lung without a colour was not looked at yet."
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 2)
        row.setSpacing(5)
        row.addWidget(label("seldom found", "faint"))
        row.addWidget(Strip(), 1)
        row.addWidget(label("nearly always", "faint"))
