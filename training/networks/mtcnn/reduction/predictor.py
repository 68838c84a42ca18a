"""False-positive reduction after a detector: nodule or not, by MT-CNN's networks (Zhai et al., LUNA16 part).

Trained fold by fold on the marks of detectors that did not see the fold. The cubes centre a nodule, so a network that saw
padding would learn it as a sign of a false positive: marks whose field leaves the cube are not used, and in use a mark whose
field leaves the scan keeps the detector's score.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit

from ....crossval.fold_models import FoldModels
from ....crossval.nodule_cubes import MIDDLE, nodule_cube
from ....evaluation.candidates import Candidates
from ....findings import Finding, Findings, Sphere
from ....imaging.image import Image
from ....inference.predictor import DETECTOR, ModelInfo, Progress
from ....inference.suitability import check_ct
from ....ops.logits import OPINION_EPS, log_odds
from ..network import MtCnn
from ..predictor import cube_views
from ..views import offsets, share_outside

MOST_PADDING = 0.05
"""Fraction of the field that may lie outside the cube or the scan."""


@dataclass(frozen=True)
class Combination:
    """Log odds of the combined score: w_d · logit(detector) + w_n · logit(network) + intercept."""

    detector: float
    network: float
    intercept: float

    def __call__(self, probability: np.ndarray, network_logit: np.ndarray) -> np.ndarray:
        return (
            self.detector * log_odds(probability, OPINION_EPS) + self.network * network_logit + self.intercept
        )


class ReductionPredictor(FoldModels[MtCnn]):
    """Gives a detector's spheres a new score: the detector's and the network's together.

    Parameters
    ----------
    combinations
        By fold.
    """

    def __init__(
        self,
        models: Mapping[str, MtCnn],
        combinations: Mapping[str, Combination],
        folds: Mapping[str, str],
        info: ModelInfo,
        device: torch.device,
    ) -> None:
        super().__init__(models, folds, info, device)
        self.combinations = combinations

    def run(self, image: Image, findings: Findings) -> Generator[Progress, None, Findings]:
        """Yield progress; return the same findings with new scores, the old one in ``scores["detector"]``.

        Raises
        ------
        PredictorError
            The image is no CT volume in Hounsfield units.
        """
        return (yield from self.with_device_notes(self._rescored(image, findings)))

    def _rescored(self, image: Image, findings: Findings) -> Generator[Progress, None, Findings]:
        check_ct(image, self.info.title)
        items, kept = list(findings), 0
        for i, finding in enumerate(items):
            if isinstance(finding.geometry, Sphere) and not finding.provenance.person:
                if self.fraction_padded(image, finding) <= MOST_PADDING:
                    items[i] = self._with_new_score(image, finding)
                else:
                    kept += 1
            yield Progress((i + 1) / len(items), "telling nodules from false alarms")
        if kept:
            note = f"{kept} marks at the edge of the scan keep the detector's score: too little of the scan is around them."
            yield Progress(1.0, "telling nodules from false alarms", note=note)
        return findings.with_items(tuple(items))

    def fraction_padded(self, image: Image, finding: Finding) -> float:
        """Measure the fraction of the nine views that lies outside the image."""
        points = np.asarray(finding.center) + offsets(self.config.field_mm, self.config.pixels)
        return float(1 - image.contains(points).mean())

    def score(
        self, cube: np.ndarray, center: np.ndarray, probability: float, series: str = ""
    ) -> tuple[float, float]:
        """The combined score and the network's own of a mark at a voxel index of a cube (HU, 1 mm)."""
        probabilities = self.on_device(lambda device: self._probabilities(cube, center, series, device))
        combined = [
            float(self.combinations[fold](np.array([probability]), log_odds(p, OPINION_EPS))[0])
            for fold, p in probabilities.items()
        ]
        own = [float(p[0]) for p in probabilities.values()]
        return float(expit(np.mean(combined))), float(np.mean(own))

    def _probabilities(
        self, cube: np.ndarray, center: np.ndarray, series: str, device: torch.device
    ) -> dict[str, np.ndarray]:
        """(1,) by fold, of the fold models that may look at the series."""
        views = cube_views(cube, center, self.config).to(device)
        nets = {fold: self.models[fold] for fold in self.folds_for(series)}
        return {fold: net.fuse(net.probabilities(views)).double().cpu().numpy() for fold, net in nets.items()}

    def _with_new_score(self, image: Image, finding: Finding) -> Finding:
        cube, _ = nodule_cube(image, finding.center)
        score, own = self.score(cube, np.full(3, MIDDLE), finding.score, image.series_uid)
        scores = {**finding.scores, DETECTOR: finding.score, self.info.name: own}
        return finding.with_(score=score, scores=scores)


def inside_mask(candidates: Candidates, field_mm: float, pixels: int, shape: Sequence[int]) -> np.ndarray:
    """(n,) whether a mark's field lies in its cube."""
    return share_outside(np.asarray(shape), candidates.center, field_mm, pixels) <= MOST_PADDING
