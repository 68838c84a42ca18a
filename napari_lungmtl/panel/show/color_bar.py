"""The colour bar of malignancy: what the spheres' colours mean."""

from __future__ import annotations

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from ...layers.malignancy_colors import STOPS, UNKNOWN_HEX
from ..widgets.section import label


class Gradient(QWidget):
    """The scale from 0 (left) to 1 (right)."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """A slim strip."""
        return QSize(80, 10)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the stops of the scale."""
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for i, stop in enumerate(STOPS):
            gradient.setColorAt(i / (len(STOPS) - 1), QColor(stop))
        _rounded(self, gradient)


class Swatch(QWidget):
    """A square of one colour."""

    def __init__(self, color: str) -> None:
        super().__init__()
        self._color = QColor(color)
        self.setFixedSize(10, 10)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw the square."""
        _rounded(self, self._color)


class ColorBar(QWidget):
    """``benign ▬▬▬▬ malignant  ■ not judged``; the end is shown where there are such spheres."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("Colour of a sphere: its malignancy from 0 to 1. Rejected findings are grey.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 2)
        row.setSpacing(5)
        row.addWidget(label("benign", "faint"))
        row.addWidget(Gradient(), 1)
        row.addWidget(label("malignant", "faint"))
        self.unknown = QWidget()
        unknown = QHBoxLayout(self.unknown)
        unknown.setContentsMargins(8, 0, 0, 0)
        unknown.setSpacing(5)
        unknown.addWidget(Swatch(UNKNOWN_HEX))
        unknown.addWidget(label("not judged", "faint"))
        row.addWidget(self.unknown)


def _rounded(widget: QWidget, brush: QColor | QLinearGradient) -> None:
    painter = QPainter(widget)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(brush)
    painter.drawRoundedRect(QRectF(widget.rect()), 2, 2)
    painter.end()
