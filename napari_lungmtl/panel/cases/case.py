"""One row of the list of cases, by which it may be sorted, and which rows are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari.layers import Image as ImageLayer
from qtpy.QtGui import QPixmap

from ...session.case_summary import STATES, CaseSummary
from ...text.cases import case_name, date_words, kind_words, series_case_name, study_date
from ...training.imaging.find import Unreadable
from ...training.imaging.formats import format_of
from ...training.imaging.image import Image
from ...training.imaging.series import Series

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

    @property
    def state(self) -> str:
        """One of `STATES`, or `UNREADABLE`."""
        return UNREADABLE if self.problem else self.summary.state

    @property
    def can_open(self) -> bool:
        """Whether it is open, or can be read."""
        return self.layer is not None or (self.series is not None and not self.problem)


def key_of(source: Path, series_uid: str) -> str:
    """Tell images apart: DICOM by the identifier of the series, whichever of its files was opened; others by their file."""
    source = Path(source)
    return series_uid if format_of(source) is None else f"{source.absolute()}|{series_uid}"


def case_of(found: Series | Unreadable, summary: CaseSummary | None = None) -> Case:
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
    )


def case_of_image(image: Image, layer: ImageLayer) -> Case:
    """Make a row of an image that was opened otherwise."""
    kind = kind_words(image.modality, image.ndim)
    key = f"layer {id(layer)}" if image.source is None else key_of(image.source, image.series_uid)
    return Case(key, case_name(image), kind, study_date(image), path=image.source, layer=layer)


Order = Callable[[Case], Any]
ORDERS: dict[str, Order] = {
    "as found": lambda case: None,
    "name": lambda case: case.name.casefold(),
    "modality": lambda case: case.modality or None,
    "date": lambda case: case.date or None,
    "findings": lambda case: case.summary.findings,
    "score": lambda case: case.summary.score,
    "state": lambda case: (*STATES, UNREADABLE).index(case.state),
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
    """Whether a case has all the words (in name, modality, date or path) and the state; an empty state is any."""
    text = f"{case.name} {case.modality} {case.date} {case.path or ''}".casefold()
    return (not state or case.state == state) and all(word in text for word in words.casefold().split())
