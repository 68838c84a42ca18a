"""MT-CNN on findings: nine views around each sphere, the probability of each, and the reconstructions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...crossval.fold_models import CharacterisingFolds
from ...crossval.nodule_cubes import MIDDLE, nodule_cube
from ...findings import Finding, Opinion
from ...imaging.image import Image
from ...imaging.values import window_to_unit
from ...inference.predictor import PredictorError
from ...inference.suitability import check_ct
from ...ops import logits
from .config import Config
from .network import MtCnn
from .views import NAMES, offsets, sample_views


@dataclass(frozen=True, eq=False)
class Drawn:
    """What the network sees of a nodule, and what its ImgNet draws of that.

    Parameters
    ----------
    names
        Of the nine views.
    views, grey
        (9, n, n) in 0…1 over the HU range of the config; the second is the mean of the fold models that may look at the series.
    masks
        (9, n, n) chance of each pixel to be nodule, the mean of the same; None where the config has no `masks`.
    """

    names: tuple[str, ...]
    views: np.ndarray
    grey: np.ndarray
    masks: np.ndarray | None = None


class MtcnnPredictor(CharacterisingFolds[MtCnn]):
    """Malignancy as a `Characteriser`, and the reconstructions of what it looked at."""

    def opinion(self, cube: np.ndarray, center: np.ndarray, diameter: float, series: str = "") -> Opinion:
        """Characterise one nodule; see `CharacterisingFolds.opinion`. The diameter counts where the config has `size`."""
        folds, parts = [], []
        for fold, (fused, each) in self.on_device(
            lambda device: self._log_odds(cube, center, diameter, series, device)
        ).items():
            folds.append(self.calibrated(fold, fused))
            parts.append(self.calibrated(fold, each))
        by_view = np.mean(parts, axis=0)
        return Opinion(
            model=self.info.name,
            version=self.info.version,
            malignancy=float(np.mean(folds)),
            std=float(by_view.std()),
            view_scores=tuple(by_view),
            view_names=NAMES,
            fold_scores=tuple(float(p[0]) for p in folds),
        )

    def _log_odds(
        self, cube: np.ndarray, center: np.ndarray, diameter: float, series: str, device: torch.device
    ) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Uncalibrated log odds by fold: (1,) of the fused views, (9,) of each."""
        views = cube_views(cube, center, self.config).to(device)
        result = {}
        for fold in self.folds_for(series):
            net = self.models[fold]
            each = net.probabilities(views, torch.tensor([diameter]))
            result[fold] = log_odds(net.fuse(each)), log_odds(each[0])
        return result

    def log_odds_of(self, net: MtCnn, cube: Tensor, diameter: float) -> Tensor:
        """See `CharacterisingFolds.log_odds_of`: of the fused views, without mirror images."""
        where = torch.from_numpy(offsets(self.config.field_mm, self.config.pixels)).float().to(cube.device)
        center = torch.full((1, 3), float(MIDDLE), device=cube.device)
        views = sample_views(window_to_unit(cube[None], *self.config.hu_range), center, where)
        each, _ = net(views, torch.tensor([float(diameter)]), reconstruct=False)
        return torch.logit(net.fuse(torch.sigmoid(each))[0], eps=logits.OPINION_EPS)

    @torch.inference_mode()
    def reconstruct(self, image: Image, finding: Finding) -> Drawn:
        """What the network sees of a finding, and what its ImgNet makes of it.

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
        views = cube_views(cube, np.full(3, MIDDLE), self.config)
        drawn = self.on_device(lambda device: self._reconstructions(views, finding, image.series_uid, device))
        grey, *masks = np.mean(drawn, axis=0).swapaxes(0, 1)
        return Drawn(NAMES, views[0].numpy(), grey, masks[0] if masks else None)

    def _reconstructions(
        self, views: Tensor, finding: Finding, series: str, device: torch.device
    ) -> list[np.ndarray]:
        """(9, C, n, n) of each fold model that may look at the series; C is the grey values, and the mask where there is one."""
        images = []
        for fold in self.folds_for(series):
            _, pixels = self.models[fold](views.to(device), torch.tensor([finding.diameter]))
            assert pixels is not None
            images.append(torch.sigmoid(pixels)[0].cpu().numpy())
        return images


def log_odds(probability: Tensor) -> np.ndarray:
    """Convert a network's probabilities to log odds, in double precision."""
    return logits.log_odds(probability.double().cpu().numpy(), logits.OPINION_EPS)


def cube_views(cube: np.ndarray, center: np.ndarray, config: Config) -> Tensor:
    """(1, 9, n, n) views in 0…1 of a cube in HU, as in training: clipped at 1 mm, then interpolated."""
    where = torch.from_numpy(offsets(config.field_mm, config.pixels)).float()
    voxels = window_to_unit(torch.from_numpy(np.ascontiguousarray(cube, np.float32))[None], *config.hu_range)
    return sample_views(voxels, torch.from_numpy(np.asarray(center, np.float32))[None], where)
