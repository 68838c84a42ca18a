"""A list that Tab may pass through without choosing anything."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QFocusEvent
from qtpy.QtWidgets import QListWidget


class QuietList(QListWidget):
    """Takes the focus by Tab, and chooses a row by the arrows or by a click; Qt's own chooses the first one at once."""

    def __init__(self) -> None:
        super().__init__()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Leave the choice as it is."""
        row = self.currentRow()
        blocked = self.blockSignals(True)
        super().focusInEvent(event)
        if row < 0:
            self.setCurrentRow(row)
        self.blockSignals(blocked)
