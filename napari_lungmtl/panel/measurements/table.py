"""The list of measurements: number, kind, value, and the slice that each lies on."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QTableWidget, QTableWidgetItem

from ...text.measurements import NAMES, brief, summary, where
from ...training.findings import Measurement
from ...training.imaging.image import Image
from ..widgets.plain_rows import set_up_rows
from ..widgets.qt import sure

COLUMNS = ("#", "kind", "value", "slice")
ROWS = 5
"""Most rows that are seen at once; more are scrolled."""
ROW_HEIGHT = 25
_ID = Qt.ItemDataRole.UserRole


class MeasurementsTable(QTableWidget):
    """Read-only rows; a click selects one measurement."""

    chosen = Signal(object)
    """Id of the row that a person chose."""

    def __init__(self) -> None:
        super().__init__()
        set_up_rows(self, COLUMNS, "value", ROW_HEIGHT)
        self.itemSelectionChanged.connect(self._on_selection)
        self.cellClicked.connect(
            lambda _row, _column: self._on_selection()
        )  # also on the row that is selected

    def show_measurements(
        self, measurements: Sequence[Measurement], image: Image | None, chosen: str | None
    ) -> None:
        """Show these rows, one of them selected."""
        blocked = self.blockSignals(True)
        self.setRowCount(len(measurements))
        units, hounsfield = ("mm", True) if image is None else (image.units, image.modality == "CT")
        for row, measurement in enumerate(measurements):
            texts = (
                *(str(measurement.number), NAMES[measurement.kind]),
                *(brief(measurement, units, hounsfield), where(measurement)),
            )
            tip = "\n".join((summary(measurement, units, hounsfield), *measurement.notes))
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                item.setData(_ID, measurement.id)
                item.setToolTip(tip)
                self.setItem(row, column, item)
        self._select(chosen)
        self.blockSignals(blocked)
        seen = min(len(measurements), ROWS)
        self.setFixedHeight(sure(self.horizontalHeader()).sizeHint().height() + seen * ROW_HEIGHT + 4)

    def _select(self, id: str | None) -> None:
        self.clearSelection()
        for row in range(self.rowCount()):
            if sure(self.item(row, 0)).data(_ID) == id:
                self.selectRow(row)
                self.scrollToItem(sure(self.item(row, 0)))

    def _on_selection(self) -> None:
        rows = {index.row() for index in self.selectedIndexes()}
        if rows:
            self.chosen.emit(sure(self.item(rows.pop(), 0)).data(_ID))
