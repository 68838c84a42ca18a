"""From what on findings and radiographs count, and with which thresholds images open: the usual ones, or a score held for all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..training.findings import Finding, Findings
from ..training.inference.radiograph_answer import HOSPITAL
from ..training.operating_point.reviewed import weights_of


@dataclass(frozen=True)
class Thresholds:
    """What is shown: findings of at least this score (0–1), diameter (mm; pixels without spacing) and malignancy (0–1).

    What nothing has judged passes any malignancy: it must not go unseen because a network was not asked. `image` is the
    probability from which a radiograph as a whole counts as showing a nodule; None takes the one that its network proposes.
    It is at a prevalence of 50 %; `prevalence` (0–1) is the share of radiographs with a nodule where the person works.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> small = lm.Finding(lm.Sphere((-190.5, 12.0, 60.0), 2.5), score=0.9)
    >>> lm.Thresholds(score=0.5, diameter=3.0).hides(small)
    'diameter'
    """

    score: float = 0.5
    diameter: float = 3.0
    malignancy: float = 0.0
    image: float | None = None
    prevalence: float = HOSPITAL

    def hides(self, finding: Finding) -> str:
        """Name of the first threshold that a finding does not reach; empty where it passes all."""
        if finding.score < self.score:
            return "score"
        if finding.diameter < self.diameter:
            return "diameter"
        if finding.malignancy is not None and finding.malignancy < self.malignancy:
            return "malignancy"
        return ""


@dataclass(frozen=True)
class Promised:
    """A score from which on marks are shown, and the weights whose marks it was tuned on (`weights_of`)."""

    score: float
    weights: tuple[str, ...]


_promised: dict[bool, Promised] = {}
"""What holds at present: of scans under False, of radiographs under True."""


def open_with(radiographs: bool, promised: Promised | None) -> bool:
    """Open images of a kind so from now on, or as usual again (None).

    Returns
    -------
    bool
        Whether it was otherwise before.
    """
    before = _promised.pop(radiographs, None)
    if promised is not None:
        _promised[radiographs] = promised
    return before != promised


def promised_score(radiographs: bool, models: Iterable[Mapping[str, Any]]) -> float | None:
    """The score that holds for marks of these models, or of those that will run; None where none does."""
    promised = _promised.get(radiographs)
    if promised is None:
        return None
    weights = weights_of(models)
    return promised.score if not weights or weights == promised.weights else None


def opening_thresholds(findings: Findings) -> Thresholds:
    """The thresholds that an image with these findings opens with."""
    if not _promised:
        return Thresholds()
    flat = len(findings.image.shape) == 2 or any(len(f.center) == 2 for f in findings)
    score = promised_score(flat, findings.models)
    return Thresholds() if score is None else replace(Thresholds(), score=score)
