"""MTMR-Net on findings: malignancy and eight attributes of each sphere."""

from __future__ import annotations

import numpy as np
import torch

from ...crossval.fold_models import CharacterisingFolds
from ...crossval.nodule_cubes import MIDDLE
from ...findings import ATTRIBUTES, Opinion
from ...imaging.values import window_to_unit
from ...ops.nodule_size import standard_size
from .network import Mtmr
from .nodule_prediction import NodulePrediction, predict_nodule
from .patches import nodule_patches


class MtmrPredictor(CharacterisingFolds[Mtmr]):
    """The five fold models as a `Characteriser`."""

    def opinion(self, cube: np.ndarray, center: np.ndarray, diameter: float, series: str = "") -> Opinion:
        """Characterise one nodule; see `CharacterisingFolds.opinion`."""
        folds = self.folds_for(series)
        predictions = self.on_device(
            lambda _: predict_nodule([self.models[k] for k in folds], cube, center, diameter)
        )
        fold_scores = [self.calibrated(k, np.array(p.logit)) for k, p in zip(folds, predictions, strict=True)]
        parts = np.mean(
            [self.calibrated(k, p.slices) for k, p in zip(folds, predictions, strict=True)], axis=0
        )
        attributes = np.mean([p.attributes for p in predictions], axis=0)
        return Opinion(
            model=self.info.name,
            version=self.info.version,
            malignancy=float(np.mean(fold_scores)),
            std=float(parts.std()),
            view_scores=tuple(parts),
            view_names=view_names(predictions[0]),
            fold_scores=tuple(map(float, fold_scores)),
            attributes=dict(zip(ATTRIBUTES, map(float, attributes.mean(0)), strict=True)),
            attribute_spread=dict(zip(ATTRIBUTES, map(float, attributes.std(0)), strict=True)),
        )

    def log_odds_of(self, net: Mtmr, cube: torch.Tensor, diameter: float) -> torch.Tensor:
        """See `CharacterisingFolds.log_odds_of`: the mean of the slices' log odds."""
        values = window_to_unit(cube, *self.config.hu_range)
        center = torch.full((3,), float(MIDDLE), device=cube.device)
        patches, _ = nodule_patches(values, center, float(diameter), self.config)
        size = standard_size(torch.full((len(patches),), float(diameter), device=cube.device))
        return net(patches, size)[0].mean()


def view_names(prediction: NodulePrediction) -> tuple[str, ...]:
    """Names of the slices: ``"axial −3.0 mm"``."""
    return tuple(f"{plane} {offset:+.1f} mm".replace("-", "−") for plane, offset in prediction.views)
