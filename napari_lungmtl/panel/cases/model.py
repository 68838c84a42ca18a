"""The cases as a Qt table model that sorts and filters by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QBrush, QColor

from ...session.case_summary import DONE, IN_WORK
from ..widgets.theme import Palette
from . import figures
from .case import UNREADABLE, Case, is_listed, ordered

CASE, FINDINGS, SCORE, STATE = range(4)
"""Columns; that of the score shows another figure once the list was sorted by it."""
HEADS = ("Case", "Marks", "", "State")
ORDER_OF = {CASE: "name", FINDINGS: "findings", STATE: "state"}
"""What a click on a column's head sorts by; on the figure's, by the figure."""
ROW = Qt.ItemDataRole.UserRole
"""Role under which every cell gives its `Case`."""
_TIPS = (
    "Name, modality and date",
    "How many findings are shown when the image is opened; rejected ones are not counted, a lesion of both networks once",
    "",
    "Unread; in work, once a person has said anything about it; done, once a person has said so",
)
_TEXT, _MIDDLE = Qt.ItemDataRole.DisplayRole, Qt.AlignmentFlag.AlignCenter


class CasesModel(QAbstractTableModel):
    """All cases by their keys, and the rows that are listed.

    A row that changes stays where it is until somebody sorts anew: nothing moves away under the hand. The current case is
    listed also where it no longer has the state that was asked for.
    """

    changed = Signal()
    """Other rows are listed, or in another order."""

    def __init__(self) -> None:
        super().__init__()
        self._cases: dict[str, Case] = {}
        self._rows: list[Case] = []
        self._order, self._descending = "as found", False
        self._words = self._state = ""
        self.figure = figures.SCORE
        self.current: Case | None = None
        self.colors: Palette | None = None

    # ---- cases

    @property
    def cases(self) -> list[Case]:
        """All cases, listed or not, as they were found."""
        return list(self._cases.values())

    @property
    def rows(self) -> list[Case]:
        """The cases that are listed, from top to bottom."""
        return self._rows

    def get(self, key: str) -> Case | None:
        """The case of a key."""
        return self._cases.get(key)

    def row_of(self, case: Case | None) -> int | None:
        """The row of a case, if it is listed."""
        return next((n for n, each in enumerate(self._rows) if each is case), None)

    def add(self, cases: Iterable[Case]) -> None:
        """Take further cases; one that is known is brought up to date, and keeps its layer and picture."""
        new = []
        for case in cases:
            known = self._cases.get(case.key)
            if known is None:
                self._cases[case.key] = case
                new.append(case)
            else:
                known.series, known.name, known.problem = case.series, case.name, case.problem
                known.modality, known.date, known.path = case.modality, case.date, case.path
                known.figures, known.notes, known.listed = case.figures, case.notes, case.listed
                if known.layer is None:
                    known.summary = case.summary
                self.update_case(known)
        listed = [case for case in new if self._is_listed(case)]
        if not listed:
            return
        if self._order != "as found" or self._descending:
            self.arrange()
            return
        self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(listed) - 1)
        self._rows += listed
        self.endInsertRows()
        self.changed.emit()

    def remove(self, cases: Iterable[Case]) -> None:
        """Forget cases."""
        gone = [case for case in cases if self._cases.pop(case.key, None) is not None]
        if gone:
            self.arrange()

    def update_case(self, case: Case) -> None:
        """A case has changed: draw it anew, where it is."""
        row = self.row_of(case)
        if row is not None:
            self.dataChanged.emit(self.index(row, 0), self.index(row, len(HEADS) - 1))

    # ---- order and filter

    @property
    def order(self) -> tuple[str, bool]:
        """What rows are sorted by, and whether from high to low."""
        return self._order, self._descending

    def set_order(self, order: str, descending: bool) -> None:
        """Sort by one of `case.ORDERS`, and show it where it is a figure."""
        self._order, self._descending = order, descending
        if order in figures.HEADS and order != self.figure:
            self.figure = order
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, SCORE, SCORE)
            if self._rows:
                self.dataChanged.emit(self.index(0, SCORE), self.index(len(self._rows) - 1, SCORE))
        self.arrange()

    def set_filter(self, words: str, state: str) -> None:
        """List only the cases with these words and this state (empty: any)."""
        self._words, self._state = words, state
        self.arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """A click on a head; a column without one leaves the order as it is."""
        if 0 <= column < len(HEADS):
            self.set_order(self.order_of(column), order == Qt.SortOrder.DescendingOrder)

    def order_of(self, column: int) -> str:
        """What a click on a column's head sorts by."""
        return ORDER_OF.get(column, self.figure)

    def arrange(self) -> None:
        """Filter and sort anew."""
        rows = ordered(filter(self._is_listed, self._cases.values()), self._order, self._descending)
        if rows == self._rows:
            return
        self.layoutAboutToBeChanged.emit()
        before, self._rows = self._rows, rows
        places = {id(case): row for row, case in enumerate(rows)}
        for index in self.persistentIndexList():
            row = places.get(id(before[index.row()]))
            self.changePersistentIndex(
                index, QModelIndex() if row is None else self.index(row, index.column())
            )
        self.layoutChanged.emit()
        self.changed.emit()

    def _is_listed(self, case: Case) -> bool:
        return case is self.current or is_listed(case, self._words, self._state)

    # ---- Qt

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Number of listed cases."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Number of columns."""
        return 0 if parent is not None and parent.isValid() else len(HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _TEXT) -> Any:
        """Names of the columns, and what they mean."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(HEADS):
            return None
        values = {_TEXT: HEADS[section], Qt.ItemDataRole.ToolTipRole: _TIPS[section]}
        if section == SCORE:
            values = {
                _TEXT: figures.HEADS[self.figure],
                Qt.ItemDataRole.ToolTipRole: figures.TIPS[self.figure],
            }
        if role == Qt.ItemDataRole.TextAlignmentRole and section != CASE:
            return _MIDDLE
        return values.get(Qt.ItemDataRole(role))

    def data(self, index: QModelIndex, role: int = _TEXT) -> Any:
        """Text, colour and tip of a cell; the case itself under `ROW`."""
        if not index.isValid():
            return None
        case, column = self._rows[index.row()], index.column()
        if role == ROW:
            return case
        if role == _TEXT:
            return (
                figures.text_of(case.value(self.figure), self.figure)
                if column == SCORE
                else text_of(case, column)
            )
        if role == Qt.ItemDataRole.TextAlignmentRole and column != CASE:
            return _MIDDLE
        if role == Qt.ItemDataRole.ForegroundRole and self.colors is not None and column == STATE:
            colors = {DONE: self.colors.accepted, IN_WORK: self.colors.warning, UNREADABLE: self.colors.error}
            return QBrush(QColor(colors.get(case.state, self.colors.faint)))
        return tip_of(case) if role == Qt.ItemDataRole.ToolTipRole else None


def text_of(case: Case, column: int) -> str:
    """What a cell says."""
    summary = case.summary
    if column == CASE:
        return case.name
    if column == FINDINGS:
        return "–" if summary.findings is None or case.problem else str(summary.findings)
    return case.state


def tip_of(case: Case) -> str:
    """All that is known, in lines."""
    summary = case.summary
    lines = [
        case.name,
        " · ".join(part for part in (case.modality, case.date) if part),
        f"nodule in the image: {summary.probability:.0%}" if summary.probability is not None else "",
        f"done by {summary.done_by}" if summary.done_by else "",
        " · ".join(
            f"{title} {figures.text_of(value, title)}"
            for title in figures.HEADS
            if title != figures.SCORE and (value := case.value(title)) is not None
        ),
        ", ".join(case.notes.tags),
        case.notes.note,
        case.problem or summary.problem,
        str(case.path or ""),
    ]
    return "\n".join(line for line in lines if line)
