"""Set up a read-only table of rows that are chosen one at a time."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget

from .qt import sure


def set_up_rows(table: QTableWidget, columns: Sequence[str], stretched: str, row_height: int) -> None:
    """Give a table its columns, of which one takes what room is left, and rows of a height in pixels."""
    table.setColumnCount(len(columns))
    table.setHorizontalHeaderLabels(columns)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setAlternatingRowColors(True)
    table.setShowGrid(False)
    table.setTabKeyNavigation(False)
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    rows, header = sure(table.verticalHeader()), sure(table.horizontalHeader())
    rows.setVisible(False)
    rows.setDefaultSectionSize(row_height)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    header.setHighlightSections(False)
    modes = QHeaderView.ResizeMode
    for column, name in enumerate(columns):
        header.setSectionResizeMode(column, modes.Stretch if name == stretched else modes.ResizeToContents)
