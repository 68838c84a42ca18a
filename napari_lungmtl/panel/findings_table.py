"""Section *findings*: the table of what is shown, sortable and read-only, and the buttons that act on the selected one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QSortFilterProxyModel,
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

SORT = Qt.ItemDataRole.UserRole
ID = Qt.ItemDataRole.UserRole + 1
STATUS = {"unreviewed": "○", "accepted": "✓", "rejected": "✕"}
_STATUS_ORDER = {status: rank for rank, status in enumerate(STATUS)}
_TEXT, _RIGHT = Qt.ItemDataRole.DisplayRole, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class FindingsModel(QAbstractTableModel):
    """The visible findings of a session, one row each."""

    COLUMNS = ("#", "Score", "Ø", "Slice", "z, y, x", "Status")

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[int, Finding]] = []
        self._cells: list[tuple[tuple[str, ...], tuple[Any, ...]]] = []
        self._image: Image | None = None
        self.colors: Palette | None = None

    def set_findings(self, rows: list[tuple[int, Finding]], image: Image | None) -> None:
        """Show findings, each with its number in the study; keep the rows where only their content changed."""
        cells = [
            self._cell(number, finding, image) for number, finding in rows
        ]  # sorting asks for them many times
        same = [f.id for _, f in rows] == [f.id for _, f in self._rows] and image is self._image
        if same:
            self._rows, self._cells = rows, cells
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self.COLUMNS) - 1))
            return
        self.beginResetModel()
        self._rows, self._cells, self._image = rows, cells, image
        self.endResetModel()

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
        finding = self._rows[index.row()][1]
        if role == ID:
            return finding.id
        if role == _TEXT:
            return self._cells[index.row()][0][index.column()]
        if role == SORT:
            return self._cells[index.row()][1][index.column()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter if index.column() == 5 else _RIGHT
        if role == Qt.ItemDataRole.ForegroundRole and self.colors is not None:
            color = {"rejected": self.colors.faint, "accepted": self.colors.accepted}.get(finding.status)
            return QBrush(QColor(color)) if color else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{finding.status}, by {finding.origin.label}. {finding.note}".strip()
        return None

    @staticmethod
    def _cell(number: int, finding: Finding, image: Image | None) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Texts and sort keys of a row's columns."""
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
        return texts, keys


class FindingsSection(Section):
    """The table; its selection is the session's, both ways. The next finding is the next row, however it is sorted."""

    ROWS = 4
    """Fewest rows that are seen at once; the table takes the height that is left."""

    def __init__(self, actions: Mapping[str, Any]) -> None:
        super().__init__("findings")
        self.model = FindingsModel()
        self._sorted = QSortFilterProxyModel()
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(SORT)
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
        table.setModel(self._sorted)
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
        for column, width in enumerate((30, 47, 53, 42, 122)):
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
        rows = self._sorted.rowCount()
        if self.study is None or not rows:
            return
        row = self._row_of(self.study.session.selected)
        if row is None:
            row = -1 if step > 0 else rows
        self.study.session.select(self._sorted.index((row + step) % rows, 0).data(ID))

    def _show(self, _value: object = None) -> None:
        session = self.study.session if self.study is not None else None
        shown = {f.id for f in session.visible} if session is not None else set()
        rows = (
            [(i, f) for i, f in enumerate(session.findings, 1) if f.id in shown]
            if session is not None
            else []
        )
        blocked = self.table.selectionModel().blockSignals(
            True
        )  # a reset moves the current row; no one selected that
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
        row = self._row_of(selected)
        if row is None:
            selection.clear()
        else:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            selection.setCurrentIndex(self._sorted.index(row, 0), flags)
            self.table.scrollTo(self._sorted.index(row, 0))
        selection.blockSignals(blocked)
        self.table.viewport().update()
        for action in ("accept", "reject"):
            self._buttons[action].setEnabled(selected is not None)
        for action in ("next", "previous"):
            self._buttons[action].setEnabled(self._sorted.rowCount() > 0)
        self._buttons["undo"].setEnabled(session is not None and session.can_undo)
        self._buttons["redo"].setEnabled(session is not None and session.can_redo)

    def _row_of(self, id: str | None) -> int | None:
        for row in range(self._sorted.rowCount() if id is not None else 0):
            if self._sorted.index(row, 0).data(ID) == id:
                return row
        return None

    def _on_selection(self, selected: QItemSelection, _deselected: QItemSelection) -> None:
        indexes = selected.indexes()
        if self.study is not None and indexes:
            self.study.session.select(indexes[0].data(ID))
