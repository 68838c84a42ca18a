"""*Import…*: what is in a file that another program wrote, before it joins the findings or lies beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QRadioButton,
    QWidget,
)

from ...jobs.worker import Steps
from ...session.changes import counted
from ...session.session import Session
from ...training.errors import LungmtlError
from ...training.findings import Findings
from ...training.findings.formats.truth.load import load_truth
from ...training.findings.import_file import import_findings
from ...training.findings.truth import Truth
from ...training.imaging.image import Image
from ..widgets.reading_dialog import ReadingDialog
from ..widgets.section import set_role
from .taking_in import take_in

FILES = "Findings (*.dcm *.json *.csv *.csv.gz *.txt *.xml *.nii *.nii.gz *.nrrd *.mha *.mhd);;All files (*)"
MOST_PROBLEMS = 4
"""Sentences that are shown; the others are counted, and hover."""
FINDINGS, TRUTH, SET = "findings", "truth", "set"
_WAYS = {
    FINDINGS: ("Add to the findings", "What is there already stays; it is one step that undo takes back"),
    TRUTH: ("Lay beside as the truth", "Hits, misses and false marks are counted against it"),
    SET: ("Compare as a second set", "Its findings stand beside those of the window in 'compare'"),
}


@dataclass(frozen=True)
class Found:
    """What a file says of an image: its findings, as truth, and sentences on what could not be read."""

    path: Path
    findings: Findings
    truth: Truth
    problems: tuple[str, ...] = ()


def read(path: Path, image: Image) -> Steps[Found]:
    """Read a file in both ways that it can be taken; yield once before.

    Raises
    ------
    FindingsFileError
        As `import_findings`.
    """
    yield
    findings, problems = import_findings(path, image)
    try:
        truth = load_truth(path, image)
    except (
        LungmtlError
    ):  # a presentation state or a structure set: whoever says that it is the truth, decides
        kept = tuple(f for f in findings if f.status != "rejected")
        rejected = tuple(f for f in findings if f.status == "rejected")
        truth = Truth(
            findings.with_items(kept), excluded=rejected, problems=tuple(problems), source=str(path)
        )
    return Found(path, findings, truth, tuple(problems))


class ImportDialog(ReadingDialog):
    """Reads a file in the background, tells what is in it, and takes it the way that a person chooses.

    Parameters
    ----------
    session
        Of the image under review.
    set_truth
        Lays a truth beside it.
    add_set
        Compares a set of findings, by its name, with doubts about it.
    parent
        Beside which it opens.
    """

    def __init__(
        self,
        session: Session,
        set_truth: Callable[[Truth], None],
        add_set: Callable[[str, Findings, str], None],
        parent: QWidget | None = None,
    ) -> None:
        hint = "a DICOM SEG, SR, GSPS or RTSTRUCT, labels, COCO, YOLO, a table …"
        super().__init__("Import findings", hint, "Import", MOST_PROBLEMS, parent)
        self._session, self._set_truth, self._add_set = session, set_truth, add_set
        self.found: Found | None = None
        self.ways = QButtonGroup(self)
        self.way: dict[str, QRadioButton] = {}
        for name, (words, tip) in _WAYS.items():
            button = self.way[name] = QRadioButton(words)
            button.setToolTip(tip)
            button.setEnabled(False)
            self.ways.addButton(button)
        self.way[FINDINGS].setChecked(True)
        self.lay_out(tuple(self.way.values()))
        self.resize(480, 300)

    def open_file(self, path: Path) -> None:
        """Read a file in the background."""
        image = self._session.image
        if image is not None:
            self.read(path, lambda: read(path, image))

    def take_in(self) -> None:
        """Do with it what was chosen, and close."""
        found = self.found
        if found is None:
            return
        name = found.path.name
        if self.way[TRUTH].isChecked():
            self._set_truth(found.truth)
        elif self.way[SET].isChecked():
            self._add_set(name, found.findings, " ".join(found.problems))
        else:
            show_info(f"{name}: {take_in(self._session, found.findings).words}.")
        self.close()

    def _ask(self) -> None:
        image = self._session.image
        folder = str(Path(image.source).parent) if image is not None and image.source else ""
        path, _ = QFileDialog.getOpenFileName(self, "Findings of this image", folder, FILES)
        if path:
            self.open_file(Path(path))

    def _show(self, found: Found | None) -> None:
        self.bar.hide()
        self.found = found
        set_role(self.words, "")
        self.words.setText(content_words(found.findings) if found is not None else "")
        problems = list(found.problems) if found is not None else []
        if found is not None and found.findings.regions:
            lungs = ", ".join(region.name for region in found.findings.regions)
            problems.append(f"outlines that are no findings are not taken in ({lungs})")
        short = [p.replace(str(found.path), found.path.name) for p in problems] if found is not None else []
        self.warn(short)
        some = found is not None and len(found.findings) > 0
        for button in self.way.values():
            button.setEnabled(some)
        self.take.setEnabled(some)


def content_words(findings: Findings) -> str:
    """Tell what findings there are: ``3 findings: 2 masks, 1 sphere; 1 accepted, 1 rejected; by net 0.1``."""
    n = len(findings)
    if not n:
        return "No findings on this image."
    kinds = Counter(f.kind for f in findings)
    plural = {"box": "boxes", "mask": "masks", "sphere": "spheres"}
    parts = [", ".join(f"{k} {kind if k == 1 else plural[kind]}" for kind, k in kinds.most_common())]
    status = Counter(f.status for f in findings if f.status != "unreviewed")
    parts.append(", ".join(f"{k} {name}" for name, k in sorted(status.items())))
    who = sorted({f.provenance.label for f in findings if f.provenance.label})
    parts.append(f"by {', '.join(who)}" if who else "")
    return f"{counted(n)}: " + "; ".join(filter(None, parts)) + "."
