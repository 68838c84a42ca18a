"""Predictors made of fold models: what every characterising network has around its own way of looking at a nodule."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import nn

from ..findings import Findings, Opinion
from ..imaging.image import Image
from ..inference.predictor import ModelInfo, Progress
from .folds import models_for, sigmoid
from .nodule_cubes import characterise

Network = TypeVar("Network", bound=nn.Module)


class FoldModels(Generic[Network]):
    """Networks of one configuration, one for each fold.

    Parameters
    ----------
    models
        Networks by fold.
    folds
        Series of the training data -> the fold whose model never saw it.
    info
        From the card.
    device
        Where to run.
    """

    def __init__(
        self,
        models: Mapping[str, Network],
        folds: Mapping[str, str],
        info: ModelInfo,
        device: torch.device,
    ) -> None:
        self.models = {
            k: m.eval().to(device).to(memory_format=torch.channels_last) for k, m in models.items()
        }
        self.folds, self.info, self.device = folds, info, device
        self.config: Any = next(iter(self.models.values())).config

    def asked(self, series: str) -> list[str]:
        """Folds whose model may judge a series."""
        return models_for(series, self.folds, list(self.models))


class CharacterisingFolds(FoldModels[Network]):
    """Fold models as a `Characteriser`; a network adds `opinion`.

    Parameters
    ----------
    calibration
        Slope and intercept on the log odds, by fold.
    """

    def __init__(
        self,
        models: Mapping[str, Network],
        calibration: Mapping[str, tuple[float, float]],
        folds: Mapping[str, str],
        info: ModelInfo,
        device: torch.device,
    ) -> None:
        super().__init__(models, folds, info, device)
        self.calibration = calibration

    def run(self, image: Image, findings: Findings) -> Generator[Progress, None, Findings]:
        """Yield progress; return the findings with an `Opinion` of every sphere inside the image.

        Raises
        ------
        PredictorError
            The image is no CT volume in Hounsfield units.
        """
        return (yield from characterise(image, findings, self.info, self.opinion))

    def opinion(self, cube: np.ndarray, center: np.ndarray, diameter: float, series: str = "") -> Opinion:
        """Judge one nodule.

        Parameters
        ----------
        cube
            (D, H, W) HU at 1 mm, z, y, x.
        center
            (3,) voxel index of the nodule.
        diameter
            mm.
        series
            Of the scan; a model that was trained on it is not asked.
        """
        raise NotImplementedError

    def calibrated(self, fold: str, log_odds: np.ndarray) -> np.ndarray:
        """Probabilities of log odds, by the fold's calibration."""
        slope, intercept = self.calibration[fold]
        return sigmoid(slope * log_odds + intercept)
