"""One case of a list: where its image is, its figures, where to look first, and what was marked and is true there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..findings import Box, Finding, Findings, Geometry, ImageReference, Provenance, Sphere
from ..findings.truth import TRUTH, Truth
from ..imaging.image import Image
from .figures import CaseFigures
from .voices import between

AT = ("at_x", "at_y", "at_z")
COLUMNS = (
    *("name", "path", "series_uid", "nodules"),
    *("missed", "highest_false_alarm", "disagreement", "distance_mm", "spread"),
    *AT,
    *("tags", "note"),
)
"""Of a list as csv or Parquet; all but tags and notes (a person's) are keys of ``cases_detail`` in an evaluation's JSON."""


@dataclass(frozen=True)
class Saved:
    """Findings of a case that lie elsewhere than beside its image.

    Parameters
    ----------
    file
        A ``*.lungmtl.json``.
    findings, score
        How many there are, and their best score; None where the list does not say.
    """

    file: Path
    findings: int | None = None
    score: float | None = None


@dataclass(frozen=True)
class ListedCase:
    """One case.

    Parameters
    ----------
    name
        For the person.
    path
        File or folder of the image; None where the list does not say.
    series_uid
        SeriesInstanceUID, or the file's stem.
    nodules
        True nodules; None where nobody knows.
    figures
        How hard it was.
    at
        Where to look first: x, y, z in LPS mm, or on a radiograph x, y in pixels of the file (the first pixel from 0 to 1).
    tags, note
        What a person said of the case.
    found, truth, excluded
        As an evaluation's JSON has them: `in_image` makes findings of them.
    network, threshold
        Name and version of what marked it, and the score from which on a mark is shown.
    saved
        Findings that a run on many studies has written.
    """

    name: str
    path: Path | None = None
    series_uid: str = ""
    nodules: int | None = None
    figures: CaseFigures = field(default_factory=CaseFigures)
    at: tuple[float, ...] | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    found: Sequence[Mapping[str, Any]] | None = None
    truth: Sequence[Sequence[float]] | None = None
    excluded: Sequence[Sequence[float]] = ()
    network: Provenance = field(default_factory=Provenance)
    threshold: float | None = None
    saved: Saved | None = None

    @property
    def key(self) -> str:
        """What tells it from other cases: its series, and its file where one is named."""
        return f"{self.path or ''}|{self.series_uid or self.name}"

    def is_of(self, image: Image) -> bool:
        """Whether an image is this case's: the same file, or the same DICOM series."""
        if (
            self.path is not None
            and image.source is not None
            and self.path.absolute() == Path(image.source).absolute()
        ):
            return not self.path.is_dir() or self.series_uid in ("", image.series_uid)
        return bool(self.series_uid) and self.series_uid == image.series_uid

    def to_json(self) -> dict[str, Any]:
        """Return the plain values that an evaluation's JSON has of it, `found` and `truth` left out."""
        at = dict(zip(AT, (*(self.at or ()), None, None, None), strict=False))
        return {
            "name": self.name,
            "path": None if self.path is None else str(self.path),
            "series_uid": self.series_uid,
            "nodules": self.nodules,
            **asdict(self.figures),
            **at,
        }

    def world(self, image: Image) -> tuple[float, ...] | None:
        """Return where to look first in world coordinates, (z, y, x) or (y, x); None where the list does not say."""
        return None if self.at is None or len(self.at) != image.ndim else to_world(self.at, image)

    def marks(self, image: ImageReference | None = None) -> Findings:
        """Return what was marked, as findings of an image; without one boxes stay in pixels."""
        items = [
            Finding(_mark(one, image), float(one["score"]), provenance=self.network)
            for one in self.found or ()
            if _fits(one, image)
        ]
        models = (
            ({"name": self.network.model, "version": self.network.version},) if self.network.model else ()
        )
        return Findings(
            tuple(items), image or ImageReference(), models=models if self.found is not None else ()
        )

    def true_nodules(self, image: ImageReference, source: str = "") -> Truth | None:
        """Return what is true of an image; None where the list does not say."""
        if self.truth is None:
            return None
        nodules, excluded = (
            tuple(
                Finding(_geometry(values, image), provenance=TRUTH, status="accepted", id=f"{name}{i}")
                for i, values in enumerate(rows)
            )
            for name, rows in (("truth", self.truth), ("excluded", self.excluded))
        )
        return Truth(Findings(nodules, image), excluded, source=source)


def to_world(at: Sequence[float], image: Image) -> tuple[float, ...]:
    """Turn a place that a person names (x, y, z in LPS mm; x, y in pixels of a radiograph) into world coordinates."""
    if image.ndim == 3:
        return tuple(float(v) for v in at[::-1])
    return tuple(float(v) for v in image.to_world(np.asarray(at[::-1], float) - 0.5))


def joined(lists: Sequence[Sequence[ListedCase]]) -> list[ListedCase]:
    """Join lists of the same cases, those of two networks say.

    A case is in the result once, as the first list has it; what the lists disagree on in it is the larger of their own
    disagreement and the largest difference of scores between two of them, see `voices.between`.
    """
    cases: dict[str, list[ListedCase]] = {}
    for rows in lists:
        for row in rows:
            cases.setdefault(row.key, []).append(row)
    return [_as_one(rows) for rows in cases.values()]


def _as_one(rows: Sequence[ListedCase]) -> ListedCase:
    first = rows[0]
    said = [row.figures.disagreement for row in rows]
    sets = [row.marks() for row in rows if row.found is not None]
    said += [between(a, b) for i, a in enumerate(sets) for b in sets[i + 1 :]]
    largest = max((v for v in said if v is not None), default=None)
    return replace(first, figures=replace(first.figures, disagreement=largest))


def _fits(mark: Mapping[str, Any], image: ImageReference | None) -> bool:
    return image is None or not image.shape or (len(image.shape) == 2) == ("box" in mark)


def _mark(mark: Mapping[str, Any], image: ImageReference | None) -> Geometry:
    if "box" in mark:
        return _box(mark["box"], image)
    z, y, x = mark["center_zyx_mm"]
    return Sphere((z, y, x), max(float(mark["diameter_mm"]), 1e-3))


def _geometry(values: Sequence[float], image: ImageReference) -> Geometry:
    """A true nodule: x0, y0, x1, y1 in pixels of a radiograph; z, y, x, diameter in mm of a CT."""
    if len(image.shape) == 2:
        return _box(values, image)
    z, y, x, diameter = values
    return Sphere((z, y, x), diameter if diameter > 0 else 10.0)


def _box(corners: Sequence[float], image: ImageReference | None) -> Box:
    x0, y0, x1, y1 = corners
    (sy, sx), (oy, ox) = (
        ((image.spacing if image else None) or (1.0, 1.0)),
        ((image.origin if image else ()) or (0, 0)),
    )
    return Box(((y0 - 0.5) * sy + oy, (x0 - 0.5) * sx + ox), ((y1 - 0.5) * sy + oy, (x1 - 0.5) * sx + ox))
