"""Hard cases: evaluations and saved lists opened as a list, place, marks and truth on the canvas, tags and notes, lists saved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from napari.components import ViewerModel
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog, QMenu, QToolButton

from ...jobs.run_modes import set_threshold
from ...layers import planes
from ...layers.follower import coalesced
from ...layers.image import IMAGE
from ...reviewed_images import ReviewedImage
from ...session.case_notes import CaseNotes, write_notes
from ...session.sidecar import Sidecar
from ...training.case_list.beside import truth_beside
from ...training.case_list.row import ListedCase, Saved
from ...training.case_list.tables import write_csv_list
from ...training.errors import LungmtlError
from ...training.findings import Findings, ImageReference
from ...training.findings.formats.json_file import read_findings
from ...training.findings.truth import Truth
from ...training.imaging.image import Image
from ...training.storage.address import shown
from ..widgets.qt import sure
from ..widgets.section import tool_button
from .case import Case
from .model import CasesModel
from .notes_row import NotesRow
from .search import figures_of

FILES = "Evaluations and lists of cases (*.json *.csv *.parquet);;All files (*)"
REST_MS = 150
"""Milliseconds after the last change of findings until their figures are computed again."""
AROUND = 40.0
"""Pixels (or mm) around a place on a radiograph that are brought to sight."""


class HardCases(QObject):
    """What the list knows of a case beyond its findings.

    Parameters
    ----------
    viewer, model
        Where images are seen, and listed.
    set_truth
        Lays a truth beside the image under review.
    load
        Lists the cases of paths.
    say
        Tells a sentence, in a role of the style sheet.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        model: CasesModel,
        set_truth: Callable[[Truth], object],
        load: Callable[[Sequence[Path]], object],
        say: Callable[[str, str], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._model = viewer, model
        self._set_truth, self._load, self._say = set_truth, load, say
        self._to_judge: tuple[Case, ReviewedImage] | None = None
        self._judging = coalesced(self._judge, REST_MS)
        self.notes = NotesRow()
        self.notes.said.connect(self.note)
        self.notes.show_case(None)
        self.button = tool_button("List", "Open an evaluation or a saved list; save this list", lambda: None)
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.button)
        self.open = sure(menu.addAction("Open evaluation or list…", self.ask_open))
        self.save = sure(menu.addAction("Save this list as csv…", self.ask_save))
        self.button.setMenu(menu)

    def set_listed(self, some: bool) -> None:
        """Whether there are cases of which something can be said."""
        self.notes.setVisible(some)
        self.save.setEnabled(some)

    # ---- lists

    def ask_open(self) -> None:
        """Ask for evaluations or lists; several are joined."""
        paths, _ = QFileDialog.getOpenFileNames(self.button, "Evaluations and lists of cases", "", FILES)
        if paths:
            self._load([Path(path) for path in paths])

    def ask_save(self) -> None:
        """Ask for a file, and save the rows that are listed now, in their order."""
        path, _ = QFileDialog.getSaveFileName(self.button, "Save this list", "cases.csv", "csv (*.csv)")
        if path:
            self.save_list(Path(path) if Path(path).suffix else Path(f"{path}.csv"))

    def save_list(self, path: Path) -> None:
        """Save the rows that are listed now, in their order."""
        rows = list(map(_listed, self._model.rows))
        try:
            write_csv_list(rows, path)
        except LungmtlError as error:
            self._say(str(error), "error")
            return
        self._say(f"{len(rows)} case{'s' * (len(rows) != 1)} saved in {path.name}.", "faint")

    # ---- tags and notes

    def note(self, case: Case, notes: CaseNotes) -> None:
        """Keep tags and note of a case beside its image; of one without a file in the list alone, until it is saved."""
        case.notes = notes
        self._model.update_case(case)
        sidecar = _sidecar(case)
        if sidecar is None:
            return
        try:
            write_notes(sidecar, notes)
        except (LungmtlError, OSError) as error:
            self._say(f"The tags and the note of {case.name} are not saved: {error}", "error")

    # ---- on the canvas

    def lay_out(self, case: Case, reviewed: ReviewedImage | None) -> None:
        """Show, of a case that was just opened, what its list says: marks where it has none, truth, and the place to look at.

        Whoever comes back to an image that stayed open finds it as it was left.
        """
        image = reviewed.session.image if reviewed is not None else None
        if (
            reviewed is None
            or image is None
            or reviewed.layer is not case.layer
            or case.shown_in is case.layer
        ):
            return
        case.shown_in = case.layer
        reference = ImageReference.of(image)
        listed = case.listed
        findings = reviewed.session.findings
        if listed is not None and not len(findings) and not findings.models:
            marks = (
                listed.marks(reference)
                if listed.saved is None
                else self._saved(listed.saved, reference, case.saved)
            )
            if marks.models:
                if listed.threshold is not None:
                    set_threshold(reviewed.session, listed.threshold)
                reviewed.session.replace_findings(marks)
        if reviewed.truth.loaded is None:
            truth = listed.true_nodules(reference, "evaluation") if listed is not None else None
            if truth is None and case.figures.missed is not None:
                truth = truth_beside(image)
            if truth is not None:
                self._set_truth(truth)
        place = listed.world(image) if listed is not None else None
        if place is not None:
            planes.fit(self._viewer)  # all of the slice, before the camera is asked whether it is
            look_at(self._viewer, place)

    def lay_truth(self, case: Case, reviewed: ReviewedImage | None) -> None:
        """Lay the truth beside an open case that a run has just found judged by it, or as soon as it is looked at again."""
        if case.layer is not None and case.listed is None and case.figures.missed is not None:
            case.shown_in = None
            self.lay_out(case, reviewed)

    def _saved(self, saved: Saved, image: ImageReference, known: Findings | LungmtlError | None) -> Findings:
        """What a run on many studies has written of an image; nothing, and a sentence, where it cannot be taken."""
        try:
            if isinstance(known, LungmtlError):
                raise known
            findings = read_findings(saved.file) if known is None else known
        except LungmtlError as error:
            self._say(str(error), "error")
            return Findings()
        if (findings.image.series_uid, findings.image.shape) != (image.series_uid, image.shape):
            self._say(f"{shown(saved.file)} belongs to another image: write the index anew.", "error")
            return Findings()
        return replace(findings, image=image)

    def judge(self, reviewed: ReviewedImage) -> None:
        """Bring the figures of the case that is seen up to date soon: a circle that is dragged does not wait for it."""
        if self._model.current is not None:
            self._to_judge = self._model.current, reviewed
            self._judging.start()

    def abandon(self) -> None:
        """The window is going."""
        self._judging.stop()

    def _judge(self) -> None:
        """Compute the figures of the open case; those of an evaluation stay as they were published."""
        asked, self._to_judge = self._to_judge, None  # or a closed image stays in memory
        if asked is None:
            return
        case, reviewed = asked
        if case.layer is not reviewed.layer:  # it was closed since
            return
        truth = reviewed.truth.truth
        if case.listed is not None or (truth is None and case.figures.missed is not None):
            return
        figures = figures_of(reviewed.session.findings, truth)
        if figures != case.figures:
            case.figures = figures
            self._model.update_case(case)


def look_at(viewer: ViewerModel, place: Sequence[float]) -> None:
    """Move slices and camera to a place in the world, (z, y, x) or (y, x)."""
    if len(place) == 3:
        planes.go_to(viewer, place)
    else:
        planes.go_to_box(viewer, [v - AROUND for v in place], [v + AROUND for v in place])


def _listed(case: Case) -> ListedCase:
    known = case.listed or ListedCase(case.name, case.path, "" if case.series is None else case.series.uid)
    image = case.layer.metadata.get(IMAGE) if case.layer is not None else None
    if isinstance(image, Image):
        known = replace(known, series_uid=image.series_uid)
    return replace(known, figures=case.figures, tags=case.notes.tags, note=case.notes.note)


def _sidecar(case: Case) -> Sidecar | None:
    if case.series is not None:
        return Sidecar.of_series(case.series)
    image = case.layer.metadata.get(IMAGE) if case.layer is not None else None
    return Sidecar(image) if isinstance(image, Image) else None
