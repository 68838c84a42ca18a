"""One row of the list of cases, by which it may be sorted, and which rows are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from napari.layers import Image as ImageLayer
from qtpy.QtGui import QPixmap

from ...session.case_notes import CaseNotes, read_notes
from ...session.case_summary import STATES, CaseSummary
from ...session.sidecar import Sidecar
from ...text.cases import case_name, date_words, kind_words, series_case_name, study_date
from ...training.case_list.figures import TITLES, CaseFigures
from ...training.case_list.row import ListedCase
from ...training.errors import LungmtlError
from ...training.findings import Findings
from ...training.imaging.find import Unreadable
from ...training.imaging.formats import format_of
from ...training.imaging.image import Image
from ...training.imaging.series import Series
from ...training.storage.address import is_remote, shown
from .figures import SCORE, condition, value_of

UNREADABLE = "unreadable"


@dataclass(eq=False)
class Case:
    """An image that is open, or could be.

    Parameters
    ----------
    key
        What tells it from all others: see `key_of`.
    name, modality, date
        For the person.
    series
        Where it is read from; None of an image that was opened otherwise, and of what cannot be read.
    path
        Its file or folder; None of an image without one.
    problem
        Why it cannot be read; empty where it can.
    summary
        How far its reading is, as last known.
    layer
        Its layer while it is open.
    thumbnail
        A small picture, once it was made; a null one where none can be.
    figures
        How hard it was, where that is known.
    notes
        Tags and note of a person.
    listed
        As an evaluation or a saved list has it; None of what a search found.
    shown_in
        The layer in which the place, the marks and the truth of `listed` were shown.
    saved
        What `listed.saved` holds, or why it cannot be read, where that was read from a server together with the image.
    """

    key: str
    name: str
    modality: str = ""
    date: str = ""
    series: Series | None = None
    path: Path | None = None
    problem: str = ""
    summary: CaseSummary = field(default_factory=CaseSummary)
    layer: ImageLayer | None = None
    thumbnail: QPixmap | None = None
    figures: CaseFigures = field(default_factory=CaseFigures)
    notes: CaseNotes = field(default_factory=CaseNotes)
    listed: ListedCase | None = None
    shown_in: ImageLayer | None = None
    saved: Findings | LungmtlError | None = None

    @property
    def state(self) -> str:
        """One of `STATES`, or `UNREADABLE`."""
        return UNREADABLE if self.problem else self.summary.state

    def value(self, figure: str) -> float | None:
        """The value of ``score`` or of a figure (`figures.HEADS`), None where it is unknown."""
        return self.summary.score if figure == SCORE else value_of(self.figures, figure)

    @property
    def can_open(self) -> bool:
        """Whether it is open, or can be read."""
        return self.layer is not None or (self.series is not None and not self.problem)


def key_of(source: Path, series_uid: str) -> str:
    """Tell images apart: DICOM by the identifier of the series, whichever of its files was opened; others by their file."""
    source = Path(source)
    if is_remote(source):  # what lies there is not looked at
        return f"{shown(source)}|{series_uid}"
    return series_uid if format_of(source) is None else f"{source.absolute()}|{series_uid}"


def case_of_list(listed: ListedCase, series: Series | None, summary: CaseSummary, notes: CaseNotes) -> Case:
    """Make a row of a case of an evaluation or a saved list; a series of None is none that could be opened."""
    problem = ""
    if series is None:
        missing = (
            f"{listed.path} is no longer there" if listed.path else f"The list names no file of {listed.name}"
        )
        problem = f"{missing}: open the folder with the images instead, or write the list anew."
    key = listed.key if series is None else key_of(series.path, series.uid)
    figures = listed.figures
    known = listed.nodules
    words = "" if known is None else "no nodule" if not known else f"{known} nodule{'s' * (known > 1)}"
    return Case(
        key,
        listed.name,
        words,
        "",
        series,
        listed.path,
        problem,
        summary,
        figures=figures,
        notes=notes,
        listed=listed,
    )


def case_of(
    found: Series | Unreadable,
    summary: CaseSummary | None = None,
    figures: CaseFigures | None = None,
    notes: CaseNotes | None = None,
) -> Case:
    """Make a row of what a search found."""
    if isinstance(found, Unreadable):
        return Case(str(found.path), found.path.name, path=found.path, problem=found.reason)
    return Case(
        key_of(found.path, found.uid),
        series_case_name(found),
        " · ".join(part for part in (kind_words(found.modality, found.ndim), found.kind) if part),
        date_words(found.date),
        found,
        found.path,
        summary=summary or CaseSummary(),
        figures=figures or CaseFigures(),
        notes=notes or CaseNotes(),
    )


def case_of_image(image: Image, layer: ImageLayer) -> Case:
    """Make a row of an image that was opened otherwise."""
    kind = kind_words(image.modality, image.ndim)
    key = f"layer {id(layer)}" if image.source is None else key_of(image.source, image.series_uid)
    notes = read_notes(Sidecar(image))
    return Case(key, case_name(image), kind, study_date(image), path=image.source, layer=layer, notes=notes)


Order = Callable[[Case], Any]
ORDERS: dict[str, Order] = {
    "as found": lambda case: None,
    "name": lambda case: case.name.casefold(),
    "modality": lambda case: case.modality or None,
    "date": lambda case: case.date or None,
    "findings": lambda case: case.summary.findings,
    "score": lambda case: case.summary.score,
    "state": lambda case: (*STATES, UNREADABLE).index(case.state),
    **{title: partial(Case.value, figure=title) for title in TITLES.values()},
}
"""What cases may be sorted by; a value of None is unknown, and comes last."""


def ordered(cases: Iterable[Case], order: str, descending: bool) -> list[Case]:
    """Sort cases; those of one value stay as they were found, those without a value come last."""
    cases = list(cases)
    keyed = [(ORDERS[order](case), case) for case in cases]
    known = sorted(
        (pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=descending
    )
    return [case for _, case in known] + [case for key, case in keyed if key is None]


def is_listed(case: Case, words: str, state: str) -> bool:
    """Whether a case has all the words (in name, modality, date, path, tags or note) and the state; an empty state is any.

    A word such as ``missed>0`` asks for a figure.
    """
    own = (case.name, case.modality, case.date, str(case.path or ""), *case.notes.tags, case.notes.note)
    text = " ".join(own).casefold()
    asked = ((word, condition(word)) for word in words.casefold().split())
    return (not state or case.state == state) and all(
        meets(case.value) if meets is not None else word in text for word, meets in asked
    )
