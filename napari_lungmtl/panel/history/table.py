"""The table of the history: read-only rows, of which a click goes to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from ..widgets.qt import sure
from ..widgets.theme import Palette, palette
from .rows import LONGEST, Row

COLUMNS = ("", "time", "who", "what")
ROWS = 8
"""Most rows that are seen at once; more are scrolled."""
ROW_HEIGHT = 22
_MARK, _WHO = 18, 86
"""Pixels of the columns with the mark and the name; a longer name is cut off, and hovers."""
_Index = QModelIndex | QPersistentModelIndex
_NONE = QModelIndex()


class HistoryModel(QAbstractTableModel):
    """Rows as Qt asks for them: only those that are seen cost anything."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()
        self.colors: Palette = palette("dark")

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: _Index = _NONE) -> int:
        """Of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = _NONE) -> int:
        """Of columns."""
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Names of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Heads of sessions lead nowhere."""
        head = self.rows[index.row()].look == "head"
        return Qt.ItemFlag.NoItemFlags if head else Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: _Index, role: int = 0) -> Any:
        """Text, colour and font of a cell."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            mark = {"present": "▸", "undone": "↷", "left": "·"}.get(row.look, "")
            return (mark, row.time, row.who, row.what)[index.column()][:LONGEST]
        if role == Qt.ItemDataRole.SizeHintRole and row.look == "head":
            return QSize(1, ROW_HEIGHT)  # it lies over three columns, and makes none of them wider
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.tip
        if role == Qt.ItemDataRole.ForegroundRole:
            bright = row.look in ("done", "present", "before")
            return QColor(self.colors.text if bright else self.colors.faint)
        if role == Qt.ItemDataRole.FontRole and row.look in ("present", "head"):
            font = QFont()
            font.setBold(True)
            return font
        return None


class HistoryTable(QTableView):
    """Shows a `HistoryModel`; a click, or Return, chooses a row."""

    chosen = Signal(object)
    """The `Row`."""

    def __init__(self) -> None:
        super().__init__()
        self.history = HistoryModel()
        self.setModel(self.history)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setAlternatingRowColors(True)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        side, header = sure(self.verticalHeader()), sure(self.horizontalHeader())
        side.setVisible(False)
        side.setDefaultSectionSize(ROW_HEIGHT)
        header.setVisible(False)
        modes = QHeaderView.ResizeMode
        header.setMinimumSectionSize(10)
        header.setResizeContentsPrecision(0)  # by the rows that are seen
        for column, mode in enumerate((modes.Fixed, modes.ResizeToContents, modes.Fixed, modes.Stretch)):
            header.setSectionResizeMode(column, mode)
        header.resizeSection(0, _MARK)
        header.resizeSection(2, _WHO)
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)  # Return

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show other rows; the place in the list stays."""
        bar = sure(self.verticalScrollBar())
        place = bar.value()
        self.clearSpans()
        self.history.show_rows(rows)
        for number, row in enumerate(rows):
            if row.look == "head":
                self.setSpan(number, 1, 1, 3)
        self.setFixedHeight(min(max(len(rows), 1), ROWS) * ROW_HEIGHT + 4)
        bar.setValue(place)

    def _choose(self, index: QModelIndex) -> None:
        row = self.history.rows[index.row()] if index.isValid() else None
        if row is not None and row.target is not None:
            self.chosen.emit(row)
