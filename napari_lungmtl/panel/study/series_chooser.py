"""Which of several series in a folder to open."""

from __future__ import annotations

from collections.abc import Sequence

from napari.qt import get_current_stylesheet
from napari.settings import get_settings
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ...text.cases import date_words, file_name
from ...training.imaging import Series
from ..widgets.qt import sure
from ..widgets.theme import palette, stylesheet

COLUMNS = ("Description", "Modality", "Date", "Slices", "Spacing mm", "Pixels", "Patient")


def choose_series(series_list: Sequence[Series], parent: QWidget | None = None) -> str | None:
    """Ask which series to open.

    Parameters
    ----------
    series_list
        The series of a folder, as `list_series` gives them.
    parent
        The window that waits.

    Returns
    -------
    str or None
        SeriesInstanceUID; None when the person thought better of it.
    """
    dialog = SeriesDialog(series_list, parent)
    return dialog.chosen if dialog.exec() == QDialog.DialogCode.Accepted else None


class SeriesDialog(QDialog):
    """A table of series; the one with most slices is marked first."""

    def __init__(self, series_list: Sequence[Series], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose a series")
        # A dialog without a parent has Qt's own colours.
        self.setStyleSheet(get_current_stylesheet() + stylesheet(palette(get_settings().appearance.theme)))
        self._uids = [series.uid for series in series_list]
        self.table = QTableWidget(len(series_list), len(COLUMNS))
        self.table.setHorizontalHeaderLabels(COLUMNS)
        for row, series in enumerate(series_list):
            for column, text in enumerate(_cells(series)):
                item = QTableWidgetItem(text)
                item.setToolTip(f"{series.uid}\n{series.path}")
                self.table.setItem(row, column, item)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        sure(self.table.verticalHeader()).hide()
        header = sure(self.table.horizontalHeader())
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        most = max(range(len(series_list)), key=lambda i: series_list[i].n_slices)
        self.table.selectRow(most)
        self.table.doubleClicked.connect(self.accept)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        question = QLabel(f"There are {len(series_list)} series here. Which one is to be opened?")
        question.setTextFormat(Qt.TextFormat.PlainText)
        layout = QVBoxLayout(self)
        for widget in (question, self.table, buttons):
            layout.addWidget(widget)
        self.resize(760, 320)

    @property
    def chosen(self) -> str | None:
        """SeriesInstanceUID of the marked row."""
        row = self.table.currentRow()
        return self._uids[row] if row >= 0 else None


def _cells(series: Series) -> tuple[str, ...]:
    spacing = " × ".join(f"{s:.3g}" for s in series.spacing) if series.spacing else "?"
    pixels = " × ".join(str(n) for n in series.shape[-2:]) if series.shape else "?"
    return (
        ", ".join(part for part in (series.description, series.kind) if part)
        or file_name(series.path)
        or "(no description)",
        series.modality,
        date_words(series.date),
        str(series.n_slices),
        spacing,
        pixels,
        series.patient_id,
    )
