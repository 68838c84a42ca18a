"""Section *cohort*: a map of many nodules; like ones lie together, a click opens one."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QWidget,
)

from ...jobs.worker import Worker
from ...reviewed_images import ReviewedImage, ReviewedImages
from ...training.cluster.reuse.cohort import loading_index
from ...training.cluster.search import results_of
from ...training.cohort import Cohort, embed, loading
from ...training.storage.address import shown as address_shown
from ..widgets.qt import sure
from ..widgets.section import Section, eliding, label, set_role
from ..widgets.theme import Palette
from .alike import AlikeRow
from .colors import WHOSE, Coloring, colorings
from .legend import ColoringLegend
from .nearest import NearestNodules
from .open_nodule import NoduleOpener
from .scatter import ScatterPlot
from .text import HINT, describe, possible


class CohortSection(Section):
    """Chooses a folder, lays its nodules out off the GUI thread, colours them, and opens what is clicked.

    Parameters
    ----------
    viewer, reviewed_images
        Where images are opened.
    running
        Whether a model runs: the image that it runs on is then not closed.
    """

    def __init__(
        self, viewer: ViewerModel, reviewed_images: Callable[[], ReviewedImages], running: Callable[[], bool]
    ) -> None:
        super().__init__("cohort")
        self.cohort: Cohort | None = None
        self._path: Path | None = None
        self._predictions: Path | None = None
        self._of_index = False
        self.work = Worker(parent=self)
        self.opener = NoduleOpener(viewer, reviewed_images, running, self)
        self._build()
        self.work.progressed.connect(self._on_progress)
        self.work.finished.connect(self._on_finished)
        self.work.failed.connect(self._on_failed)
        self.opener.opened.connect(self._on_opened)
        self.opener.failed.connect(partial(self._say, role="error"))
        self.setAcceptDrops(True)
        self._say(HINT, "faint")
        self._show_state()
        self.set_open(False)

    # ---- what a person, the command line or a drop asks for

    def load(self, path: Path | str, predictions: Path | str | None = None) -> None:
        """Read a folder, with predictions for its cubes if there are any, or of an index a part; lay the nodules out."""
        self._path, self._predictions = Path(path), None if predictions is None else Path(predictions)
        results = results_of(self._path) if predictions is None else None
        self.set_open(True)
        self._start(
            partial(loading, self._path, self._predictions)
            if results is None
            else partial(loading_index, results)
        )

    def cancel(self) -> None:
        """Stop reading or laying out; what was shown before stays."""
        if self.work.cancel():
            self._say(
                "Cancelled." if self.cohort is None else "Cancelled. The map is as far as it had come.",
                "faint",
            )
            self._show_state()

    def abandon(self) -> None:
        """The window is going."""
        self.work.abandon()
        self.opener.reading.abandon()
        self.nearest.forget()
        self.alike.abandon()

    def choose_folder(self) -> None:
        """Ask for a folder."""
        path = QFileDialog.getExistingDirectory(self, "Results or nodule cubes", str(self._path or ""))
        if path:
            self.load(path)

    def choose_predictions(self) -> None:
        """Ask for predictions of the cubes."""
        path, _ = QFileDialog.getOpenFileName(
            self, "Predictions for these cubes", str(self._predictions or ""), "oof.csv (*.csv *.csv.gz)"
        )
        if path and self._path is not None:
            self.load(self._path, path)

    # ---- the dock

    def set_colors(self, colors: Palette) -> None:
        """Colours of the present theme."""
        self.plot.set_palette(colors)
        self.legend.set_colors(colors)

    def follow(self, reviewed: ReviewedImage | None) -> None:
        """Mark the nodule that is selected in the image."""
        if reviewed is not None:
            self.listen(reviewed.session.events.selected, self._show_marked)
            self.listen(reviewed.session.events.findings, self._show_alike)
        self._show_marked()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Folders, result files and tables may be dropped."""
        event = sure(event)
        if sure(event.mimeData()).hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """A folder is read; a csv, alone or with it, holds the predictions."""
        event = sure(event)
        paths = [Path(url.toLocalFile()) for url in sure(event.mimeData()).urls() if url.isLocalFile()]
        tables = [
            p for p in paths if p.name.lower().endswith((".csv", ".csv.gz")) and p.name != "nodules.csv"
        ]
        folders = [p for p in paths if p not in tables]
        event.acceptProposedAction()
        if folders:
            self.load(folders[0], tables[0] if tables else None)
        elif tables and self._path is not None:
            self.load(self._path, tables[0])
        elif tables:
            self._say("Open the folder of nodule cubes first; predictions belong to one.", "warning")

    # ---- widgets

    def _build(self) -> None:
        self.button = _button(
            "Open folder…", "Results of 'lungmtl predict', or nodule cubes", self.choose_folder
        )
        self.predictions = _button(
            "Predictions…",
            "What a network says of these cubes (oof.csv of 'lungmtl train')",
            self.choose_predictions,
        )
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addWidget(self.predictions)
        self.name = eliding("faint")
        row.addWidget(self.name, 1)
        self.body.addLayout(row)
        self.body.addWidget(self._controls())
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.stage = label("", wrap=True)
        self.cancel_button = _button("Cancel", "Stop", self.cancel)
        self._progress = QWidget()
        progress = QHBoxLayout(self._progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.addWidget(self.stage, 1)
        progress.addWidget(self.cancel_button)
        self.plot = ScatterPlot()
        self.plot.describe = self._describe
        self.plot.chosen.connect(self._open)
        self.legend = ColoringLegend()
        self.alike = AlikeRow()
        self.alike.chosen.connect(self._open_alike)
        self.nearest = NearestNodules(self)
        self.nearest.began.connect(self.alike.show_none)
        self.nearest.found.connect(self.alike.show_rows)
        self.nearest.failed.connect(partial(self._say, role="error"))
        self.message = label("", wrap=True)
        for widget in (self.bar, self._progress, self.plot, self.legend, self.alike, self.message):
            self.body.addWidget(widget)

    def _controls(self) -> QWidget:
        self.color_by = _combo("What the colours show")
        self.color_by.currentIndexChanged.connect(self._show_colors)
        self.place_by = _combo("Whose attributes put nodules together (t-SNE)")
        self.place_by.activated.connect(self._place)
        self.diameter = QCheckBox("and diameter")
        self.diameter.setToolTip("Use the (logarithmic) diameter as a ninth feature")
        self.diameter.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.diameter.clicked.connect(self._place)
        self.controls = QWidget()
        grid = QGridLayout(self.controls)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(QLabel("Colour"), 0, 0)
        grid.addWidget(self.color_by, 0, 1, 1, 2)
        grid.addWidget(QLabel("Attributes"), 1, 0)
        grid.addWidget(self.place_by, 1, 1)
        grid.addWidget(self.diameter, 1, 2)
        grid.setColumnStretch(1, 1)
        return self.controls

    def _show_state(self) -> None:
        shown, running = self.cohort is not None, self.work.running
        for widget in (self.bar, self._progress):
            widget.setVisible(running)
        self.controls.setVisible(shown)
        for widget in (self.plot, self.legend):
            widget.setVisible(shown and self.plot.has_points)
        self.predictions.setVisible(shown and self.cohort is not None and self.cohort.has_cubes)
        self.summary.setText(f"{len(self.cohort)} nodules" if self.cohort is not None else "")
        name = address_shown(self._path) if shown and self._path is not None else ""
        self.name.setText(Path(name).name)
        self.name.setToolTip(name if self._predictions is None else f"{name}\nwith {self._predictions}")

    # ---- the work

    def _place(self, _value: object = None) -> None:
        """Lay the present cohort out anew."""
        if self.cohort is not None:
            by, sized = self.place_by.currentData(), self.diameter.isChecked()
            self._start(partial(embed, self.cohort, by, with_diameter=sized))

    def _start(self, make: Callable[[], Generator[Any, None, Any]]) -> None:
        self.opener.reading.cancel()
        self.work.start(make)
        self._say("")
        self.stage.setText("starting")
        self.bar.setValue(0)
        self._show_state()

    def _on_progress(self, step: Any) -> None:
        self.bar.setValue(round(1000 * step.fraction))
        self.stage.setText(f"{step.stage} · {step.fraction:.0%}".replace("%", " %"))
        positions = getattr(step, "positions", None)
        if positions is not None:
            self.plot.set_positions(positions)
            self._show_state()

    def _on_finished(self, result: Any) -> None:
        if isinstance(result, Cohort):
            self._take(result)
            self._place()
        else:
            self._on_placed(result)

    def _on_placed(self, positions: np.ndarray) -> None:
        self.plot.set_positions(positions)
        notes = list(self.cohort.problems[:2]) if self.cohort is not None else []
        if self.cohort is not None and len(self.cohort.problems) > 2:
            notes.append(f"{len(self.cohort.problems) - 2} further files were left out.")
        if missing := int(np.isnan(positions).any(axis=1).sum()):
            notes.append(f"{missing} nodules without all attributes have no place on the map.")
        self._say(" ".join(notes), "warning")
        self._show_state()

    def _on_failed(self, message: str) -> None:
        self._say(message, "error")
        self._show_state()

    def _take(self, cohort: Cohort) -> None:
        """Show another cohort; its places come later."""
        self.cohort, self._of_index = cohort, results_of(cohort.path) is not None
        wanted = self.color_by.currentText()
        self.color_by.blockSignals(True)
        self.color_by.clear()
        for coloring in colorings(cohort):
            self.color_by.addItem(coloring.title, coloring)
        self.color_by.setCurrentIndex(max(0, self.color_by.findText(wanted)))
        self.color_by.blockSignals(False)
        self.place_by.clear()
        for by in possible(cohort):
            self.place_by.addItem(f"by the {WHOSE[by]}", by)
        self.plot.set_positions(np.full((len(cohort), 2), np.nan))
        self.plot.reset_view()
        self._show_colors()
        self._show_marked()
        self._show_state()

    # ---- the map

    def _show_colors(self, _index: int = 0) -> None:
        coloring: Coloring | None = self.color_by.currentData()
        if self.cohort is None or coloring is None:
            return
        colors = coloring.colors(self.cohort)
        self.plot.set_colors(colors)
        self.legend.show_coloring(coloring, int((colors[:, 3] == 0).sum()))
        if self.plot.marked is not None and not self.message.property("role"):
            self._say(self._describe(self.plot.marked))

    def _show_marked(self, _id: str | None = None) -> None:
        reviewed, cohort = self.reviewed, self.cohort
        self._show_alike()
        if cohort is None or reviewed is None or reviewed.session.selected is None:
            self._mark(None)
            return
        image = reviewed.session.image
        self._mark(cohort.row(image.series_uid if image is not None else "", reviewed.session.selected))

    def _mark(self, row: int | None) -> None:
        """Mark a nodule or none, and describe no other; hints, problems and *Opening* stay."""
        self.plot.mark(row)
        if not self.message.property("role"):
            self._say("" if row is None else self._describe(row))

    def _show_alike(self, _findings: object = None) -> None:
        """The nodules most like the selected one, once networks have said what it is like."""
        session = self.reviewed.session if self.reviewed is not None else None
        if self.cohort is None or session is None or session.selected is None or session.image is None:
            self.nearest.forget()
            self.alike.show_none()
            return
        finding = session.findings[session.selected]
        self.nearest.look_for(self.cohort, finding, session.image.series_uid, in_index=self._of_index)

    def _open(self, row: int) -> None:
        if self.cohort is not None and self.opener.open(self.cohort, row):
            self.plot.mark(row)
            self._say("Opening …", "faint")

    def _open_alike(self, row: int) -> None:
        """Open a look-alike, which need not be on the map."""
        if self.alike.cohort is not None and self.opener.open(self.alike.cohort, row):
            self._say("Opening …", "faint")

    def _on_opened(self, _row: int) -> None:
        nodule = self.opener.asked
        if self.cohort is not None:
            self.plot.mark(self.cohort.row(nodule.case, nodule.id))
            self._say(describe(nodule, self.color_by.currentData()))

    def _describe(self, row: int) -> str:
        """Two or three lines about a nodule."""
        if self.cohort is None:
            return ""
        coloring: Coloring | None = self.color_by.currentData()
        return describe(self.cohort.nodules[row], coloring)

    def _say(self, text: str, role: str = "") -> None:
        set_role(self.message, role)
        self.message.setText(text)
        self.message.setVisible(bool(text))


def _button(text: str, tip: str, slot: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.clicked.connect(lambda: slot())
    return button


def _combo(tip: str) -> QComboBox:
    box = QComboBox()
    box.setToolTip(tip)
    box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box
