"""The stages of a run at a place, as a small table."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem

from ...training.explain.answer import Answer, Stage
from ..widgets.plain_rows import set_up_rows
from ..widgets.qt import sure
from ..widgets.theme import Palette

COLUMNS = ("", "stage", "value", "needed")
ROW_HEIGHT = 23
SIGNS = {True: "✓", False: "✕", None: "–"}
TIPS = {
    True: "Got past this stage",
    False: "This stage kept the mark out",
    None: "Never came to this stage: what it would have said",
}


class StagesTable(QTableWidget):
    """Read-only rows; of several networks each stands under its name."""

    def __init__(self) -> None:
        super().__init__()
        set_up_rows(self, COLUMNS, "value", ROW_HEIGHT)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._failed = QColor("#f0c040")

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self._failed = QColor(colors.warning)

    def show_answers(self, answers: Sequence[Answer]) -> None:
        """Show the stages of some networks' answers."""
        rows: list[Stage | str] = []
        for answer in answers:
            if len(answers) > 1 and answer.stages:
                rows.append(answer.title)
            rows += answer.stages
        self.clearSpans()
        self.setRowCount(len(rows))
        for at, row in enumerate(rows):
            if isinstance(row, str):
                self._name(at, row)
            else:
                self._stage(at, row)
        header = sure(self.horizontalHeader()).sizeHint().height()
        self.setFixedHeight(header + len(rows) * ROW_HEIGHT + 4)

    def _name(self, at: int, name: str) -> None:
        item = QTableWidgetItem(name)
        font = item.font()
        font.setBold(True)
        item.setFont(font)
        self.setItem(at, 0, item)
        self.setSpan(at, 0, 1, len(COLUMNS))

    def _stage(self, at: int, stage: Stage) -> None:
        for column, text in enumerate((SIGNS[stage.passed], stage.name, stage.value, stage.limit)):
            item = QTableWidgetItem(text)
            item.setToolTip(f"{stage.name}: {stage.value}\n{TIPS[stage.passed]}")
            if stage.passed is False:
                item.setForeground(self._failed)
            self.setItem(at, column, item)
