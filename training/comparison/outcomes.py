"""What became of marks and of true nodules on one image, by the official rule of its modality.

CT: LUNA16's (`metrics.froc.matching`): a mark hits a nodule when its centre lies closer to the nodule's than its radius; a further
mark on a found nodule and one on an excluded finding count neither way. Radiograph: `metrics.froc.boxes`, intersection over union
of at least 0.4; where the truth is a point whose size nobody gave, a hit is a mark whose centre lies in the box around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np

from ..findings.finding import Finding
from ..findings.truth import Truth, sphere_of
from ..metrics.froc.boxes import match_boxes, match_centers
from ..metrics.froc.matching import Matching, match_marks
from ..ops.boxes import contains


class Outcome(StrEnum):
    """What a mark or a true nodule is."""

    HIT = "hit"
    MISS = "miss"
    FALSE_ALARM = "false alarm"
    EXCLUDED = "excluded"
    DUPLICATE = "again"


@dataclass(frozen=True)
class Outcomes:
    """Marks and nodules by id.

    Parameters
    ----------
    marks
        What each mark is: a hit, a further mark on a found nodule, a false alarm, or excluded (on an excluded finding, or beyond
        the hundred marks of a scan that count).
    nodules
        What each true nodule is: hit or missed.
    hits
        By id of a mark the id of the nodule that it lies on.
    """

    marks: Mapping[str, Outcome] = field(default_factory=dict)
    nodules: Mapping[str, Outcome] = field(default_factory=dict)
    hits: Mapping[str, str] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> int:
        """How many there are: of hits and misses the nodules, of the others the marks."""
        those = self.nodules if outcome in (Outcome.HIT, Outcome.MISS) else self.marks
        return sum(1 for each in those.values() if each is outcome)


class Matcher:
    """Matches marks with one truth, again and again as a threshold moves: what does not change is computed once.

    Parameters
    ----------
    truth
        Its masks are measured here.
    flat
        Whether the image is a radiograph.
    """

    def __init__(self, truth: Truth, flat: bool) -> None:
        self.truth = truth
        self.flat = flat
        self._known: dict[str, tuple[Finding, np.ndarray]] = {}

    @cached_property
    def _nodules(self) -> np.ndarray:
        return _table([self.place(f, own=True) for f in self.truth.nodules])

    @cached_property
    def _excluded(self) -> np.ndarray:
        return _table([self.place(f, own=True) for f in self.truth.excluded])

    def outcomes(self, marks: Sequence[Finding]) -> Outcomes:
        """Match marks; findings of the other kind (boxes in a CT) are no marks, and rejected ones must be left out before."""
        usable = [m for m in marks if (m.box is not None) == self.flat]
        matching = self.matching(usable)
        nodules = [f.id for f in self.truth.nodules]
        best = set(matching.nodule_mark[matching.found].tolist())
        kinds = {}
        for i, mark in enumerate(usable):
            if matching.hit[i] >= 0:
                kinds[mark.id] = Outcome.HIT if i in best else Outcome.DUPLICATE
            else:
                counts = matching.used[i] and not matching.on_excluded[i]
                kinds[mark.id] = Outcome.FALSE_ALARM if counts else Outcome.EXCLUDED
        return Outcomes(
            kinds,
            {
                id: Outcome.HIT if found else Outcome.MISS
                for id, found in zip(nodules, matching.found, strict=True)
            },
            {m.id: nodules[k] for m, k in zip(usable, matching.hit.tolist(), strict=True) if k >= 0},
        )

    def matching(self, marks: Sequence[Finding]) -> Matching:
        """Match marks of the image's own kind (boxes on a radiograph, spheres and masks in a CT), in their order."""
        return self._match(_table([self.place(m) for m in marks]), np.array([m.score for m in marks], float))

    def _match(self, marks: np.ndarray, scores: np.ndarray) -> Matching:
        truth, other = self._nodules, self._excluded
        if not self.flat:
            return match_marks(marks[:, :3], scores, truth[:, :3], truth[:, 3], other[:, :3], other[:, 3])
        if self.truth.sized:
            matching = match_boxes(marks, scores, truth)
        else:
            matching = match_centers((marks[:, :2] + marks[:, 2:]) / 2, scores, truth)
        if len(other) and len(marks):
            middle = (marks[:, :2] + marks[:, 2:]) / 2
            on_other = contains(other, middle).any(0) & (matching.hit < 0)
            matching = replace(matching, on_excluded=matching.on_excluded | on_other)
        return matching

    def place(self, finding: Finding, own: bool = False) -> np.ndarray:
        """Return the sphere (z, y, x, diameter) or box (x0, y0, x1, y1) by which a mark, or one of the truth's own, is matched."""
        known = self._known.get(finding.id)
        if known is not None and known[0].geometry is finding.geometry:
            return known[1]
        box = finding.box if self.flat else None
        if box is not None:
            place = np.array([*box.low[::-1], *box.high[::-1]])
        else:
            sphere = self.truth.sphere(finding) if own else sphere_of(finding)
            place = np.array([*sphere.center, sphere.diameter])
        self._known[finding.id] = finding, place
        return place


def _table(places: Sequence[np.ndarray]) -> np.ndarray:
    return np.array(places, float).reshape(-1, 4)
