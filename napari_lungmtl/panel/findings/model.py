"""The visible findings as a Qt table model that sorts by itself."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QBrush, QColor

from ...text.review import author, verdict
from ...training.imaging.image import Image
from ..widgets.theme import Palette
from .columns import COLUMNS, NAMES, PLACE, Row

ID = Qt.ItemDataRole.UserRole
"""Role under which every cell gives its finding's id."""
IDS = Qt.ItemDataRole.UserRole + 2
"""Role under which every cell gives the ids of its lesion: on a radiograph two networks may have marked it."""
FINDING = Qt.ItemDataRole.UserRole + 1
"""Role under which every cell gives its finding."""
_TEXT, _RIGHT = Qt.ItemDataRole.DisplayRole, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class FindingsModel(QAbstractTableModel):
    """The visible findings of a session, one row each, in the order of a column.

    It sorts by itself: a `QSortFilterProxyModel` asks for every cell one by one, which a threshold drag would wait for.
    Texts are made when a cell is drawn.
    """

    COLUMNS = NAMES

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._image: Image | None = None
        self._order = (0, False)
        self.colors: Palette | None = None

    def set_rows(self, rows: list[Row], image: Image | None) -> None:
        """Show rows of an image; keep them where only their content changed."""
        rows = self._ordered(rows)
        same = self._ids(rows) == self._ids(self._rows) and image is self._image
        if same:
            self._rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))
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
        return next((row for row, shown in enumerate(self._rows) if id in shown.ids), None)

    def ids_of(self, row: int) -> tuple[str, ...]:
        """The ids of a row's lesion, that of its own finding at the end."""
        return self._rows[row].ids

    def texts(self, column: int) -> list[str]:
        """Return all texts of a column."""
        return [COLUMNS[column].text(row) for row in self._rows]

    def _ordered(self, rows: list[Row]) -> list[Row]:
        column, descending = self._order
        keyed = [(COLUMNS[column].key(row), row) for row in rows]
        known = sorted(
            ((key, row) for key, row in keyed if key is not None),
            key=lambda pair: pair[0],
            reverse=descending,
        )
        return [row for _, row in known] + [row for key, row in keyed if key is None]

    @staticmethod
    def _ids(rows: list[Row]) -> list[str]:
        return [row.finding.id for row in rows]

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Number of findings."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _TEXT) -> Any:
        """Names of the columns with their units, and what they mean."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(COLUMNS):
            return None
        column = COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter if column.centered else _RIGHT
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip or None
        if role == _TEXT:
            flat = self._image is not None and self._image.ndim == 2
            units = "px" if self._image is not None and self._image.spacing is None else "mm"
            name = "y, x" if section == PLACE and flat else column.head or column.name
            return f"{name} {units}" if column.length else name
        return None

    def data(self, index: QModelIndex, role: int = _TEXT) -> Any:
        """Text, alignment and colour of a cell; the finding under `FINDING`, its id under `ID`."""
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        finding = row.finding
        if role == ID:
            return finding.id
        if role == IDS:
            return row.ids
        if role == FINDING:
            return finding
        if role == _TEXT:
            return column.text(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter if column.centered else _RIGHT
        if role == Qt.ItemDataRole.ForegroundRole and self.colors is not None:
            color = {"rejected": self.colors.faint, "accepted": self.colors.accepted}.get(finding.status)
            return QBrush(QColor(color)) if color else None
        if role == Qt.ItemDataRole.ToolTipRole:
            by = " and ".join(author(f) for f in (finding, row.partner) if f is not None)
            return f"{verdict(finding)}; {by}. {finding.note}".strip()
        return None
