"""Section *findings*: the table of what is shown, sortable and read-only, and the buttons that act on the selected one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt
from qtpy.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QMenu, QTableView

from ...reviewed_images import Study
from ...shortcuts import tooltip
from ...text.attributes import SCALES
from ...text.boxes import found_by
from ..section import Section, label, tool_button
from ..theme import Palette
from .columns import ALWAYS, COLUMNS, FLAT_WIDTHS, MALIGNANCY, ORDER, defaults
from .malignancy_cell import MalignancyDelegate
from .model import ID, FindingsModel

__all__ = ["ID", "FindingsModel", "FindingsSection"]
_ATTRIBUTES = frozenset(range(len(COLUMNS) - len(SCALES), len(COLUMNS)))


class FindingsSection(Section):
    """The table; its selection is the session's, both ways. The next finding is the next row, however it is sorted."""

    ROWS = (2, 6)
    """Fewest and most rows that are seen at once: more are scrolled, so that the nodule card stays in sight."""
    ROW_HEIGHT = 25

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
        self.columns = tool_button("☰", "Choose the columns of the table", self._choose_columns)
        row.insertWidget(4, self.columns)
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
        table.verticalHeader().setDefaultSectionSize(self.ROW_HEIGHT)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setStretchLastSection(True)
        for place, column in enumerate(ORDER):
            header.moveSection(header.visualIndex(column), place)
        for number, column in enumerate(COLUMNS):
            table.setColumnWidth(number, column.width)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(lambda at: self._choose_columns(header.mapToGlobal(at)))
        self._chosen: frozenset[int] | None = None  # by the person; None: what suits the findings
        self._flat = False
        self._show_columns(defaults(judged=False))
        table.setItemDelegateForColumn(MALIGNANCY, MalignancyDelegate(table))
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.horizontalScrollBar().rangeChanged.connect(self._fit_height)
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

    # ---- columns

    def choose(self, columns: frozenset[int]) -> None:
        """Show these columns from now on, whatever the findings hold."""
        self._chosen = columns | ALWAYS
        self._show_columns(self._chosen)

    def shown_columns(self) -> frozenset[int]:
        """The columns that are shown."""
        return frozenset(n for n in range(len(COLUMNS)) if not self.table.isColumnHidden(n))

    def column_menu(self) -> QMenu:
        """A menu that shows and hides columns."""
        shown = self.shown_columns()
        menu = QMenu(self)
        for number in ORDER:
            if number in ALWAYS:
                continue
            if number == min(_ATTRIBUTES):
                menu.addSeparator()
            action = menu.addAction(COLUMNS[number].name)
            action.setCheckable(True)
            action.setChecked(number in shown)
            action.triggered.connect(lambda _on, n=number: self.choose(self.shown_columns() ^ {n}))
        menu.addSeparator()
        menu.addAction("All attributes").triggered.connect(lambda: self.choose(shown | _ATTRIBUTES))
        menu.addAction("As at first").triggered.connect(self._choose_defaults)
        return menu

    def _choose_columns(self, at: QPoint | None = None) -> None:
        where = at if isinstance(at, QPoint) else self.columns.mapToGlobal(self.columns.rect().bottomLeft())
        menu = self.column_menu()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)

    def _choose_defaults(self) -> None:
        self._chosen = None
        self._show()

    def _show_columns(self, columns: frozenset[int]) -> None:
        if columns != self.shown_columns():
            for number in range(len(COLUMNS)):
                self.table.setColumnHidden(number, number not in columns)

    def _set_widths(self, flat: bool) -> None:
        if flat != self._flat:
            self._flat = flat
            for number, column in enumerate(COLUMNS):
                self.table.setColumnWidth(
                    number, FLAT_WIDTHS.get(number, column.width) if flat else column.width
                )

    def _fit_height(self, *_range: int) -> None:
        """Take the height of the rows, within `ROWS`, with the header and the scroll bar where columns need one."""
        fewest, most = self.ROWS
        bar = self.table.horizontalScrollBar()
        height = self.ROW_HEIGHT * min(max(self.model.rowCount(), fewest), most)
        height += self.table.horizontalHeader().sizeHint().height() + 2 * self.table.frameWidth()
        self.table.setFixedHeight(height + (bar.sizeHint().height() if bar.maximum() else 0))

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
        image = session.image if session is not None else None
        flat = image is not None and image.ndim == 2
        said = {f.id: found_by(f, session.agreement) for _, f in rows} if flat and session is not None else {}
        self.model.set_findings(rows, image, said)
        self.table.selectionModel().blockSignals(blocked)
        if self._chosen is None:
            judged = session is not None and any(f.malignancy is not None for f in session.findings)
            self._show_columns(defaults(judged, flat))
        self._set_widths(flat)
        total = len(session.findings) if session is not None else 0
        self._fit_height()
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
