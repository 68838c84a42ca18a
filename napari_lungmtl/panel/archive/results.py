"""What was found: studies, and under each its series."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QBrush, QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from ...text.cases import date_words
from ...training.dicomweb.query import FoundSeries, FoundStudy
from ..widgets.qt import sure

COLUMNS = ("Patient · study / series", "Patient ID", "Date", "Modality", "Images")
_SERIES = Qt.ItemDataRole.UserRole
_TOO_FAINT = 0.65


class Results(QTreeWidget):
    """A tree in which only CTs and radiographs can be chosen; a double click opens one."""

    chosen = Signal()
    """Another series is chosen, or none."""
    wanted = Signal()
    """A series was asked for, by a double click or Enter."""

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderLabels(COLUMNS)
        self.setAlternatingRowColors(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setUniformRowHeights(True)
        header = sure(self.header())
        header.setStretchLastSection(False)
        for column in range(1, len(COLUMNS)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.itemSelectionChanged.connect(self.chosen)
        self.itemActivated.connect(lambda *_: self.wanted.emit() if self.series is not None else None)

    @property
    def series(self) -> FoundSeries | None:
        """The series that is chosen and can be opened."""
        items = self.selectedItems()
        found = items[0].data(0, _SERIES) if items else None
        return found if isinstance(found, FoundSeries) and found.is_image else None

    def show_studies(self, studies: tuple[FoundStudy, ...]) -> None:
        """List studies; the first series that can be opened is chosen."""
        self.clear()
        for study in studies:
            self.addTopLevelItem(self._study(study))
        self.expandAll()
        first = next((item for item in self._items() if item.data(0, _SERIES).is_image), None)
        if first is not None:
            self.setCurrentItem(first)

    def choose(self, uid: str) -> None:
        """Choose a series by its SeriesInstanceUID, where it is listed."""
        for item in self._items():
            if item.data(0, _SERIES).uid == uid:
                self.setCurrentItem(item)

    def _items(self) -> list[QTreeWidgetItem]:
        """Those of the series."""
        studies = [sure(self.topLevelItem(n)) for n in range(self.topLevelItemCount())]
        return [sure(study.child(n)) for study in studies for n in range(study.childCount())]

    def _study(self, study: FoundStudy) -> QTreeWidgetItem:
        name = " · ".join(filter(None, (study.patient or "(no name)", study.description)))
        item = QTreeWidgetItem(
            [name, study.patient_id, date_words(study.date), ", ".join(study.modalities), ""]
        )
        item.setToolTip(0, f"{name}\nStudy {study.uid}")
        item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsSelectable)
        font = item.font(0)
        font.setBold(True)
        item.setFont(0, font)
        for series in study.series:
            item.addChild(self._series_item(series))
        return item

    def _series_item(self, series: FoundSeries) -> QTreeWidgetItem:
        count = "" if series.n_instances is None else str(series.n_instances)
        name = series.description or series.body_part or "(no description)"
        item = QTreeWidgetItem([name, "", "", series.modality, count])
        item.setTextAlignment(4, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setData(0, _SERIES, series)
        item.setToolTip(0, f"{name}\nSeries {series.uid}")
        if not series.is_image:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsSelectable)
            faint = QColor(self.palette().text().color())
            faint.setAlphaF(_TOO_FAINT)
            for column in range(len(COLUMNS)):
                item.setForeground(column, QBrush(faint))
            item.setToolTip(
                0, f"{name}\nNo CT and no radiograph: it cannot be opened here\nSeries {series.uid}"
            )
        return item
