"""From what on findings and radiographs count."""

from __future__ import annotations

from dataclasses import dataclass

from ..training.findings import Finding
from ..training.inference.radiograph_answer import HOSPITAL


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
