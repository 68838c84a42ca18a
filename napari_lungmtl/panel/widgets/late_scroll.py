"""A scroll area that takes in what it scrolls when it is shown."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QScrollArea, QWidget


class LateScrollArea(QScrollArea):
    """Scrolls up and down, and holds its widget from when it is first shown.

    napari puts a dock's widget into a dock, and that into its window, and Qt styles all that is in it each time: what comes
    afterwards is styled once.
    """

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inner = inner
        self.destroyed.connect(inner.deleteLater)  # if it was never taken in

    def take_in(self) -> None:
        """Hold the widget from now on, and take it along where this goes."""
        if self.widget() is None:
            self.setWidget(self._inner)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Take the widget in."""
        self.take_in()
        super().showEvent(event)
