"""Where things lie while a study runs: a sheet over the pictures in a pause, and the section above the dock's others."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QLabel, QMainWindow, QScrollArea, QVBoxLayout, QWidget

from ..widgets.qt import sure


class Cover(QObject):
    """A sheet over all pictures of the window while the reader is away: nobody looks without the clock running."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._sheet: QLabel | None = None
        self._under: QWidget | None = None

    def attach(self, window: QWidget) -> None:
        """Lie over the middle of this window."""
        if isinstance(window, QMainWindow) and window.centralWidget() is not None:
            self._under = window.centralWidget()

    @property
    def lies(self) -> bool:
        """Whether it covers the pictures."""
        return self._sheet is not None

    def lay(self, covered: bool) -> None:
        """Cover the pictures, or uncover them."""
        if covered == self.lies:
            return
        under = self._under
        if self._sheet is not None:
            if under is not None:
                under.removeEventFilter(self)
            self._sheet.hide()
            self._sheet.deleteLater()
            self._sheet = None
        elif under is not None:
            sheet = self._sheet = QLabel(self._text, under)
            sheet.setAlignment(Qt.AlignmentFlag.AlignCenter)
            sheet.setStyleSheet("background: #101216; color: #d0d4da; font-size: 16pt;")
            sheet.setGeometry(under.rect())
            under.installEventFilter(self)
            sheet.show()
            sheet.raise_()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """The window has another size, or something came to lie above."""
        if self._sheet is not None and event is not None and event.type() == QEvent.Type.Resize:
            self._sheet.setGeometry(sure(self._under).rect())
            self._sheet.raise_()
        return super().eventFilter(watched, event)


class TopOfDock:
    """Takes a section out of what scrolls and puts it above, where it is always seen; and brings it back to its place."""

    def __init__(self, section: QWidget) -> None:
        self._section = section
        self._column: QVBoxLayout | None = None
        self._place = 0

    def go(self, top: bool) -> None:
        """Stand above all that scrolls, or where it stood."""
        if not top:
            if self._column is not None:
                self._column.insertWidget(self._place, self._section)
                self._column = None
            return
        inner = self._section.parentWidget()
        column = inner.layout() if inner is not None else None
        scroll = inner
        while scroll is not None and not isinstance(scroll, QScrollArea):
            scroll = scroll.parentWidget()
        around = scroll.parentWidget() if scroll is not None else None
        outside = around.layout() if around is not None else None
        if isinstance(column, QVBoxLayout) and isinstance(outside, QVBoxLayout):
            self._column, self._place = column, column.indexOf(self._section)
            outside.setStretchFactor(
                scroll, 1
            )  # or the section takes half of the dock, most of it its banner
            outside.insertWidget(0, self._section)
            self._section.show()
