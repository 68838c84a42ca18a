"""MT-CNN on findings: nine views around each sphere, the probability of each, and the reconstructions."""

from __future__ import annotations

from collections.abc import Generator, Mapping

import numpy as np
import torch
from torch import Tensor

from ..engine.characterise import MIDDLE, characterise, check_ct, nodule_cube
from ..engine.folds import logit, models_for, sigmoid
from ..engine.predictor import ModelInfo, PredictorError, Progress
from ..findings import Finding, Findings, Opinion
from ..imaging.image import Image
from .config import Config
from .network import MtCnn
from .views import NAMES, normalise, offsets, sample_views


class MtcnnPredictor:
    """Malignancy as a `Characteriser`, and the reconstructions of what it looked at.

    Parameters
    ----------
    models
        One for each fold, of one configuration.
    calibration
        Slope and intercept on the log odds, by fold.
    folds
        Series -> fold of the training data.
    info
        From the card.
    device
        Where to run.
    """

    def __init__(
        self,
        models: Mapping[str, MtCnn],
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
            The image is no CT volume in Hounsfield units.
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
            mm; read where the config has `size`, seen in the field in any case.
        series
            Of the scan; a model that was trained on it is not asked.
        """
        views = self.views(cube, centre)
        folds, parts = [], []
        for fold in models_for(series, self.folds, list(self.models)):
            net = self.models[fold]
            each = net.probabilities(views, torch.tensor([diameter]))
            folds.append(self._calibrated(fold, net.fuse(each)))
            parts.append(self._calibrated(fold, each[0]))
        by_view = np.mean(parts, axis=0)
        return Opinion(
            model=self.info.name,
            version=self.info.version,
            malignancy=float(np.mean(folds)),
            spread=float(by_view.std()),
            parts=tuple(by_view),
            places=NAMES,
            folds=tuple(float(p[0]) for p in folds),
        )

    def views(self, cube: np.ndarray, centre: np.ndarray) -> Tensor:
        """(1, 9, n, n) views in 0…1 of a cube around a voxel index."""
        return cube_views(cube, centre, self.config).to(self.device)

    def _calibrated(self, fold: str, probability: Tensor) -> np.ndarray:
        slope, intercept = self.calibration[fold]
        return sigmoid(slope * logit(probability.double().cpu().numpy()) + intercept)

    @torch.inference_mode()
    def reconstruct(self, image: Image, finding: Finding) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
        """What the network sees of a finding, and what its ImgNet makes of it.

        Returns
        -------
        views, reconstructions : ndarray
            (9, n, n) in 0…1 over the HU range of the config; the second is the mean of the fold models that may judge the
            series.
        names : tuple of str
            Of the views.

        Raises
        ------
        PredictorError
            The image is no CT, the finding's centre lies outside it, or these weights are of the single-task variant.
        """
        check_ct(image, self.info.title)
        if not self.config.alpha:
            raise PredictorError("these weights are of the single-task network, which reconstructs nothing.")
        if not bool(image.contains(finding.center)):
            raise PredictorError("the nodule lies outside the image, so there is nothing to reconstruct.")
        cube, _ = nodule_cube(image, finding.center)
        views = self.views(cube, np.full(3, MIDDLE))
        images = []
        for fold in models_for(image.series_uid, self.folds, list(self.models)):
            _, pixels = self.models[fold](views, torch.tensor([finding.diameter]))
            assert pixels is not None
            images.append(torch.sigmoid(pixels)[0].cpu().numpy())
        return views[0].cpu().numpy(), np.mean(images, axis=0), NAMES


def cube_views(cube: np.ndarray, centre: np.ndarray, config: Config) -> Tensor:
    """(1, 9, n, n) views in 0…1 of a cube in HU, as in training: clipped at 1 mm, then interpolated."""
    where = torch.from_numpy(offsets(config.field_mm, config.pixels)).float()
    voxels = normalise(torch.from_numpy(np.ascontiguousarray(cube, np.float32))[None], config.hu_range)
    return sample_views(voxels, torch.from_numpy(np.asarray(centre, np.float32))[None], where)
