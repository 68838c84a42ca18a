"""The list of matched nodules: number, volumes, change with its interval, doubling time."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QTableWidget, QTableWidgetItem

from ...text.growth import change_words, doubling_words, interval_words, number_words, summary, volume_words
from ...training.growth.compare import Compared
from ..widgets.plain_rows import set_up_rows
from ..widgets.qt import sure

COLUMNS = ("#", "volume", "change", "doubling")
ROWS = 6
"""Most rows that are seen at once; more are scrolled."""
ROW_HEIGHT = 42
"""Two lines: a change and its interval."""


class PriorTable(QTableWidget):
    """Read-only rows; a click selects one nodule."""

    chosen = Signal(int)
    """The row that a person chose."""

    def __init__(self) -> None:
        super().__init__()
        set_up_rows(self, COLUMNS, "change", ROW_HEIGHT)
        self.setAccessibleName("nodules of both studies")
        self.cellClicked.connect(lambda row, _column: self.chosen.emit(row))

    def show_nodules(self, nodules: Sequence[Compared], days: float | None) -> None:
        """Show these rows, none of them selected."""
        self.setRowCount(len(nodules))
        for row, nodule in enumerate(nodules):
            change = change_words(nodule)
            if nodule.change is not None:
                change = f"{change}\n{interval_words(nodule.change)}"
            volume = volume_words(nodule).replace(" → ", " →\n", 1)
            time = doubling_words(nodule, days).replace(" (", "\n(")
            tip = summary(nodule, days)
            for column, text in enumerate((number_words(nodule), volume, change, time)):
                item = QTableWidgetItem(text)
                item.setToolTip(tip)
                self.setItem(row, column, item)
        self.clearSelection()
        self.setVisible(bool(nodules))
        seen = min(len(nodules), ROWS)
        self.setFixedHeight(sure(self.horizontalHeader()).sizeHint().height() + seen * ROW_HEIGHT + 4)

    def select(self, row: int | None) -> None:
        """Select a row, or none."""
        self.clearSelection()
        if row is not None and row < self.rowCount():
            self.selectRow(row)
            self.scrollToItem(sure(self.item(row, 0)))
