"""Section *findings*: the table of what is shown, sortable and read-only, and the buttons that act on the selected one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    Qt,
)
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QSizePolicy, QTableView

from ..shortcuts import tooltip
from ..training.findings import Finding
from ..training.imaging.image import Image
from .section import Section, label, tool_button
from .studies import Study
from .theme import Palette

ID = Qt.ItemDataRole.UserRole
STATUS = {"unreviewed": "○", "accepted": "✓", "rejected": "✕"}
_STATUS_ORDER = {status: rank for rank, status in enumerate(STATUS)}
_TEXT, _RIGHT = Qt.ItemDataRole.DisplayRole, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Row:
    """A finding with the texts and sort keys of its columns."""

    finding: Finding
    texts: tuple[str, ...]
    keys: tuple[float, ...]


class FindingsModel(QAbstractTableModel):
    """The visible findings of a session, one row each, in the order of a column.

    It sorts by itself: a `QSortFilterProxyModel` asks for every cell one by one, which a threshold drag would wait for.
    """

    COLUMNS = ("#", "Score", "Ø", "Slice", "z, y, x", "Status")

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._image: Image | None = None
        self._order = (0, False)
        self.colors: Palette | None = None

    def set_findings(self, findings: list[tuple[int, Finding]], image: Image | None) -> None:
        """Show findings, each with its number in the study; keep the rows where only their content changed."""
        rows = self._ordered([_row(number, finding, image) for number, finding in findings])
        same = self._ids(rows) == self._ids(self._rows) and image is self._image
        if same:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self.COLUMNS) - 1))
            return
        self.beginResetModel()
        self._rows, self._image = rows, image
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Order the rows by a column; the selection stays with its finding."""
        self._order = (column, order == Qt.SortOrder.DescendingOrder)
        self.layoutAboutToBeChanged.emit()
        before = self._ids(self._rows)
        self._rows = self._ordered(self._rows)
        places = {id: row for row, id in enumerate(self._ids(self._rows))}
        for index in self.persistentIndexList():
            self.changePersistentIndex(index, self.index(places[before[index.row()]], index.column()))
        self.layoutChanged.emit()

    def row_of(self, id: str | None) -> int | None:
        """The row of a finding, if it is shown."""
        return next((row for row, shown in enumerate(self._rows) if shown.finding.id == id), None)

    def id_of(self, row: int) -> str:
        """The finding's id in a row."""
        return self._rows[row].finding.id

    def _ordered(self, rows: list[Row]) -> list[Row]:
        column, descending = self._order
        return sorted(rows, key=lambda row: row.keys[column], reverse=descending)

    @staticmethod
    def _ids(rows: list[Row]) -> list[str]:
        return [row.finding.id for row in rows]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Number of findings."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self.COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _TEXT) -> Any:
        """Names of the columns with their units."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter if section == 5 else _RIGHT
        if role == _TEXT:
            units = "px" if self._image is not None and self._image.spacing is None else "mm"
            name = self.COLUMNS[section]
            if name == "z, y, x" and self._image is not None and self._image.ndim == 2:
                name = "y, x"
            return f"{name} {units}" if section in (2, 4) else name
        return None

    def data(self, index: QModelIndex, role: int = _TEXT) -> Any:
        """Text, sort key, alignment and colour of a cell; the finding's id under `ID`."""
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        finding = row.finding
        if role == ID:
            return finding.id
        if role == _TEXT:
            return row.texts[index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter if index.column() == 5 else _RIGHT
        if role == Qt.ItemDataRole.ForegroundRole and self.colors is not None:
            color = {"rejected": self.colors.faint, "accepted": self.colors.accepted}.get(finding.status)
            return QBrush(QColor(color)) if color else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{finding.status}, by {finding.origin.label}. {finding.note}".strip()
        return None


def _row(number: int, finding: Finding, image: Image | None) -> Row:
    place = finding.center[0]
    flat = image is None or image.ndim == 2
    slice_ = 1 if flat else round((place - image.origin[0]) / image.scale[0]) + 1
    texts = (
        str(number),
        f"{finding.score:.2f}",
        f"{finding.diameter:.1f}",
        str(slice_),
        ", ".join(f"{c:.0f}" for c in finding.center).replace("-", "−"),
        STATUS[finding.status],
    )
    keys = (number, finding.score, finding.diameter, slice_, place, _STATUS_ORDER[finding.status])
    return Row(finding, texts, keys)


class FindingsSection(Section):
    """The table; its selection is the session's, both ways. The next finding is the next row, however it is sorted."""

    ROWS = 4
    """Fewest rows that are seen at once; the table takes the height that is left."""

    def __init__(self, actions: Mapping[str, Any]) -> None:
        super().__init__("findings")
        self.model = FindingsModel()
        self.table = QTableView()
        self._set_up_table()
        self._empty = label("", "faint", wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self._empty)
        self._buttons = {}
        row = QHBoxLayout()
        row.setSpacing(2)
        texts = {
            "previous": "↑",
            "next": "↓",
            "accept": "✓ Accept",
            "reject": "✕ Reject",
            "undo": "↶",
            "redo": "↷",
        }
        for action, text in texts.items():
            self._buttons[action] = tool_button(text, tooltip(action), actions[action])
            if action == "undo":
                row.addStretch(1)
            row.addWidget(self._buttons[action])
        self.body.addLayout(row)

    def _set_up_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setSortingEnabled(True)
        table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(25)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(len(FindingsModel.COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        for column, width in enumerate((32, 44, 46, 40, 124)):
            table.setColumnWidth(column, width)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setMinimumHeight(25 * self.ROWS + 32)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        # Not the current row: that moves to the first when the table merely takes the focus.
        table.selectionModel().selectionChanged.connect(self._on_selection)

    def follow(self, study: Study | None) -> None:
        """Show the study's findings and selection."""
        if study is not None:
            events = study.session.events
            for signal in (events.image, events.findings, events.thresholds):
                self.listen(signal, self._show)
            self.listen(events.selected, self._show_selected)
        self._show()

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.model.colors = colors
        self.table.viewport().update()

    def step(self, step: int) -> None:
        """Select the next (1) or previous (-1) row, round at the ends."""
        rows = self.model.rowCount()
        if self.study is None or not rows:
            return
        row = self.model.row_of(self.study.session.selected)
        if row is None:
            row = -1 if step > 0 else rows
        self.study.session.select(self.model.id_of((row + step) % rows))

    def _show(self, _value: object = None) -> None:
        session = self.study.session if self.study is not None else None
        shown = {f.id for f in session.visible} if session is not None else set()
        rows = (
            [(i, f) for i, f in enumerate(session.findings, 1) if f.id in shown]
            if session is not None
            else []
        )
        # A reset moves the current row; no one selected that.
        blocked = self.table.selectionModel().blockSignals(True)
        self.model.set_findings(rows, session.image if session is not None else None)
        self.table.selectionModel().blockSignals(blocked)
        total = len(session.findings) if session is not None else 0
        self.table.setVisible(bool(rows))
        self._empty.setVisible(not rows)
        if total:
            self._empty.setText(f"None of {total} findings passes the thresholds.")
        elif session is not None and session.findings.models:
            self._empty.setText("The model found nothing.")
        else:
            self._empty.setText("None yet: press Run.")
        self.summary.setText(f"{len(rows)}" if rows else "")
        self._show_selected()

    def _show_selected(self, _id: object = None) -> None:
        session = self.study.session if self.study is not None else None
        selected = session.selected if session is not None else None
        selection = self.table.selectionModel()
        blocked = selection.blockSignals(True)
        row = self.model.row_of(selected)
        if row is None:
            selection.clear()
        else:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            selection.setCurrentIndex(self.model.index(row, 0), flags)
            self.table.scrollTo(self.model.index(row, 0))
        selection.blockSignals(blocked)
        self.table.viewport().update()
        for action in ("accept", "reject"):
            self._buttons[action].setEnabled(selected is not None)
        for action in ("next", "previous"):
            self._buttons[action].setEnabled(self.model.rowCount() > 0)
        self._buttons["undo"].setEnabled(session is not None and session.can_undo)
        self._buttons["redo"].setEnabled(session is not None and session.can_redo)

    def _on_selection(self, selected: QItemSelection, _deselected: QItemSelection) -> None:
        indexes = selected.indexes()
        if self.study is not None and indexes:
            self.study.session.select(indexes[0].data(ID))
