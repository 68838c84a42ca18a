"""MTMR-Net on findings: malignancy and eight attributes of each sphere."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import numpy as np
import torch

from ..engine.characterise import characterise
from ..engine.folds import models_for, sigmoid
from ..engine.predictor import ModelInfo, Progress
from ..findings import ATTRIBUTES, Findings, Opinion
from ..imaging.image import Image
from .config import Config
from .judge import Judgement, judge
from .network import Mtmr


class MtmrPredictor:
    """The five fold models as a `Characteriser`.

    Parameters
    ----------
    models
        Networks by fold.
    calibration
        Slope and intercept on the log odds, by fold.
    folds
        Series of the training data -> the fold whose model never saw it.
    """

    def __init__(
        self,
        models: Mapping[str, Mtmr],
        calibration: Mapping[str, tuple[float, float]],
        folds: Mapping[str, str],
        info: ModelInfo,
        device: torch.device,
    ) -> None:
        self.models = {
            k: m.eval().to(device).to(memory_format=torch.channels_last) for k, m in models.items()
        }
        self.calibration, self.folds, self.info, self.device = calibration, folds, info, device

    @property
    def config(self) -> Config:
        """Of the networks."""
        return next(iter(self.models.values())).config

    def run(self, image: Image, findings: Findings) -> Generator[Progress, None, Findings]:
        """Yield progress; return the findings with an `Opinion` of every sphere inside the image.

        Raises
        ------
        PredictorError
            The image is no CT volume.
        """
        return (yield from characterise(image, findings, self.info, self.opinion))

    def opinion(self, cube: np.ndarray, centre: np.ndarray, diameter: float, series: str = "") -> Opinion:
        """Judge one nodule.

        Parameters
        ----------
        cube
            (D, H, W) HU at 1 mm, z, y, x.
        centre
            (3,) voxel index of the nodule.
        diameter
            mm.
        series
            Of the scan; a model that was trained on it is not asked.
        """
        asked = models_for(series, self.folds, list(self.models))
        judgements = judge([self.models[k] for k in asked], cube, centre, diameter)
        folds = [self._calibrated(k, np.array(j.logit)) for k, j in zip(asked, judgements, strict=True)]
        parts = np.mean(
            [self._calibrated(k, j.slices) for k, j in zip(asked, judgements, strict=True)], axis=0
        )
        attributes = np.mean([j.attributes for j in judgements], axis=0)
        return Opinion(
            model=self.info.name,
            version=self.info.version,
            malignancy=float(np.mean(folds)),
            spread=float(parts.std()),
            parts=tuple(parts),
            places=places(judgements[0]),
            folds=tuple(map(float, folds)),
            attributes=dict(zip(ATTRIBUTES, map(float, attributes.mean(0)), strict=True)),
            attribute_spread=dict(zip(ATTRIBUTES, map(float, attributes.std(0)), strict=True)),
        )

    def _calibrated(self, fold: str, log_odds: np.ndarray) -> np.ndarray:
        slope, intercept = self.calibration[fold]
        return sigmoid(slope * log_odds + intercept)


def places(judgement: Judgement) -> tuple[str, ...]:
    """Names of the slices: ``"axial −3.0 mm"``."""
    return tuple(f"{plane} {offset:+.1f} mm".replace("-", "−") for plane, offset in judgement.places)
