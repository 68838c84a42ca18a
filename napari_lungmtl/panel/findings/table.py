"""The findings table: read-only rows, and columns as wide as what they hold, as many as fit into the dock."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QStyle, QTableView

from ..widgets.qt import sure
from .columns import ALWAYS, COLUMNS, LEAST, MALIGNANCY, ORDER
from .malignancy_cell import ROOM, MalignancyDelegate
from .model import FindingsModel

ROWS = (2, 6)
"""Fewest and most rows that are seen at once: more are scrolled, so that the nodule card stays in sight."""
ROW_HEIGHT = 25
ITEM_PADDING = 3
"""Pixels at either side of a cell, as the style sheet has it."""
HEAD, ARROW = 2 * 3 + 2, 10
"""Pixels beside a header's text, and for the arrow of the column that rows are sorted by: as the style sheet has it."""


class FindingsTable(QTableView):
    """Shows a `FindingsModel`.

    Numbers are never cut off: a column is as wide as the widest text that it had for this image, the scroll bar's room is
    kept free, and of the columns that nobody chose the least important give way. Columns that a person chose are scrolled.
    """

    columns_asked = Signal(object)
    """A right click on the header, with its place on the screen."""

    def __init__(self, model: FindingsModel) -> None:
        super().__init__()
        self._findings = model
        self.setModel(model)
        self.rows_header, self.header = sure(self.verticalHeader()), sure(self.horizontalHeader())
        self.bar = sure(self.horizontalScrollBar())
        self._columns: frozenset[int] = frozenset()
        self._chosen = False
        self._widest: dict[int, int] = {}
        self._measured: dict[int, set[str]] = {}
        self._set_up()

    def show_columns(self, columns: frozenset[int], chosen: bool) -> None:
        """Show these columns, all of them if a person has chosen them, else those that fit."""
        self._columns, self._chosen = columns, chosen
        self.fit_columns()

    def shown_columns(self) -> frozenset[int]:
        """Return the numbers of the columns that are shown."""
        return frozenset(n for n in range(len(COLUMNS)) if not self.isColumnHidden(n))

    def forget_widths(self) -> None:
        """Another image is shown: its texts may be shorter."""
        self._widest.clear()
        self._measured.clear()

    def fit_columns(self) -> None:
        """Give the columns the width of what they hold now or have held, and hide what does not fit."""
        widths = {number: self._width(number) for number in self._columns}
        shown = set(self._columns)
        for number in () if self._chosen else LEAST:
            if sum(widths[n] for n in shown) > self._room() and number not in ALWAYS:
                shown.discard(number)
        for number in range(len(COLUMNS)):
            if self.isColumnHidden(number) == (number in shown):
                self.setColumnHidden(number, number not in shown)
        for number in shown:
            if self.columnWidth(number) != widths[number]:
                self.setColumnWidth(number, widths[number])
        self.fit_height()

    def fit_height(self, *_range: int) -> None:
        """Take the height of the rows, within `ROWS`, with the header, and the scroll bar where chosen columns need one."""
        fewest, most = ROWS
        height = ROW_HEIGHT * min(max(self._findings.rowCount(), fewest), most)
        height += self.header.sizeHint().height() + 2 * self.frameWidth()
        self.setFixedHeight(height + (self.bar.sizeHint().height() if self.bar.maximum() else 0))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """A wider dock has room for more columns."""
        super().resizeEvent(event)
        if event is not None and event.size().width() != event.oldSize().width():
            self.fit_columns()

    def _set_up(self) -> None:
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.rows_header.hide()
        self.rows_header.setDefaultSectionSize(ROW_HEIGHT)
        header = self.header
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setStretchLastSection(True)
        for place, number in enumerate(ORDER):
            header.moveSection(header.visualIndex(number), place)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(lambda at: self.columns_asked.emit(header.mapToGlobal(at)))
        header.sortIndicatorChanged.connect(self._on_sorted)
        self.setItemDelegateForColumn(MALIGNANCY, MalignancyDelegate(self))
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.bar.rangeChanged.connect(self.fit_height)

    def _on_sorted(self, _column: int, _order: Qt.SortOrder) -> None:
        self.fit_columns()  # the arrow needs room

    def _width(self, number: int) -> int:
        """Pixels of the widest of a column's header and cells."""
        measured = self._measured.setdefault(number, set())
        new = set(self._findings.texts(number)) - measured
        if new or number not in self._widest:
            beside = ROOM if number == MALIGNANCY else 0
            self._widest[number] = max(self._widest.get(number, 0), self._text_width(new) + beside)
            measured |= new
        head = str(self._findings.headerData(number, Qt.Orientation.Horizontal))
        arrow = ARROW if self.header.sortIndicatorSection() == number else 0
        return max(self._widest[number], self.header.fontMetrics().horizontalAdvance(head) + HEAD + arrow)

    def _text_width(self, texts: Iterable[str]) -> int:
        """Pixels of the widest text with what a cell keeps free beside it."""
        metrics = self.fontMetrics()
        widest = max((metrics.horizontalAdvance(text) for text in texts), default=0)
        margin = sure(self.style()).pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, None, self) + 1
        return widest + 2 * (margin + ITEM_PADDING) + 1  # metrics round down

    def _room(self) -> int:
        """Pixels for columns, beside frame and scroll bar."""
        bar = sure(self.verticalScrollBar()).sizeHint().width()
        return self.width() - 2 * self.frameWidth() - bar
