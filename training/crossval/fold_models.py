"""Predictors made of fold models: what every characterising network has around its own way of looking at a nodule."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.special import expit
from torch import nn

from ..findings import Finding, Findings, Opinion
from ..imaging.image import Image
from ..inference.device import run_with_cpu_fallback
from ..inference.predictor import ModelInfo, PredictorError, Progress
from ..inference.suitability import check_ct
from ..ops.folded_norms import with_folded_norms
from .folds import models_for
from .nodule_cubes import MIDDLE, characterise, nodule_cube

Network = TypeVar("Network", bound=nn.Module)
Result = TypeVar("Result")


class FoldModels(Generic[Network]):
    """Networks of one configuration, one for each fold.

    Parameters
    ----------
    models
        Networks by fold. They stay as they are; copies with folded norms are run.
    folds
        Series of the training data -> the fold whose model never saw it.
    info
        From the card.
    device
        Where to run. When a GPU runs out of memory, the CPU takes over for the rest of the run.
    """

    def __init__(
        self,
        models: Mapping[str, Network],
        folds: Mapping[str, str],
        info: ModelInfo,
        device: torch.device,
    ) -> None:
        self.models = {
            k: with_folded_norms(m).to(memory_format=torch.channels_last) for k, m in models.items()
        }
        self.folds, self.info, self.device = folds, info, device
        self._used, self._note = device, ""
        self._there: torch.device | None = None
        self.config: Any = next(iter(self.models.values())).config

    def folds_for(self, series: str) -> list[str]:
        """Choose the folds whose model may evaluate a series."""
        return models_for(series, self.folds, list(self.models))

    def on_device(self, work: Callable[[torch.device], Result]) -> Result:
        """Compute with the models on the device, or on the CPU where the GPU's memory does not suffice."""

        def moved(device: torch.device) -> Result:
            if device != self._there:  # to look through all of their tensors for each nodule takes time
                self._there = None
                for model in self.models.values():
                    model.to(device)
                self._there = device
            return work(device)

        result, note = run_with_cpu_fallback(moved, self._used)
        if note:
            self._used, self._note = torch.device("cpu"), note
        return result

    def with_device_notes(
        self, run: Generator[Progress, None, Findings]
    ) -> Generator[Progress, None, Findings]:
        """Pass a run on, from its start on the chosen device, and say where the CPU took over."""
        self._used, self._note = self.device, ""
        while True:
            try:
                step = next(run)
            except StopIteration as stop:
                return stop.value
            note, self._note = " ".join(filter(None, (step.note, self._note))), ""
            yield replace(step, note=note)


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
        return (yield from self.with_device_notes(characterise(image, findings, self.info, self.opinion)))

    def opinion(self, cube: np.ndarray, center: np.ndarray, diameter: float, series: str = "") -> Opinion:
        """Characterise one nodule.

        Parameters
        ----------
        cube
            (D, H, W) HU at 1 mm, z, y, x.
        center
            (3,) voxel index of the nodule.
        diameter
            mm.
        series
            Of the scan; a model that was trained on it is left out.
        """
        raise NotImplementedError

    def log_odds_of(self, net: Network, cube: torch.Tensor, diameter: float) -> torch.Tensor:
        """Compute one model's log odds of malignancy, a scalar with gradients, of the nodule in the middle of a cube of HU."""
        raise NotImplementedError

    def saliency(self, image: Image, finding: Finding) -> Image:
        """Measure what the malignancy of a sphere hangs on: the gradient of its log odds by each voxel.

        Returns
        -------
        Image
            float32, 50 mm at 1 mm around the sphere: the gradient's size, averaged over the models that may evaluate the series,
            smoothed by 1 mm and divided by its maximum. Voxels outside of the network's window of HU have none.

        Raises
        ------
        PredictorError
            The image is no CT, or the sphere's centre lies outside it.
        """
        check_ct(image, self.info.title)
        if not bool(image.contains(finding.center)):
            raise PredictorError("the nodule lies outside the image, so there is nothing to look at.")
        cube, _ = nodule_cube(image, finding.center)
        values = self.on_device(
            lambda device: self._gradient(cube, finding.diameter, image.series_uid, device)
        )
        values = gaussian_filter(values, 1.0)
        origin = tuple(np.asarray(finding.center) - MIDDLE)
        return Image(
            (values / max(float(values.max()), 1e-12)).astype(np.float32), "", (1.0, 1.0, 1.0), origin
        )

    def _gradient(self, cube: np.ndarray, diameter: float, series: str, device: torch.device) -> np.ndarray:
        total = np.zeros(cube.shape, np.float32)
        for fold in self.folds_for(series):
            voxels = torch.tensor(cube, dtype=torch.float32, device=device, requires_grad=True)
            (gradient,) = torch.autograd.grad(self.log_odds_of(self.models[fold], voxels, diameter), voxels)
            total += gradient.abs().cpu().numpy()
        return total

    def calibrated(self, fold: str, log_odds: np.ndarray) -> np.ndarray:
        """Probabilities of log odds, by the fold's calibration."""
        slope, intercept = self.calibration[fold]
        return expit(slope * log_odds + intercept)
