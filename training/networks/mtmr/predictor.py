"""MTMR-Net on findings: malignancy and eight attributes of each sphere."""

from __future__ import annotations

import numpy as np

from ...crossval.fold_models import CharacterisingFolds
from ...findings import ATTRIBUTES, Opinion
from .judge import Judgement, judge
from .network import Mtmr


class MtmrPredictor(CharacterisingFolds[Mtmr]):
    """The five fold models as a `Characteriser`."""

    def opinion(self, cube: np.ndarray, center: np.ndarray, diameter: float, series: str = "") -> Opinion:
        """Judge one nodule; see `CharacterisingFolds.opinion`."""
        asked = self.folds_for(series)
        judgements = self.on_device(lambda _: judge([self.models[k] for k in asked], cube, center, diameter))
        folds = [self.calibrated(k, np.array(j.logit)) for k, j in zip(asked, judgements, strict=True)]
        parts = np.mean(
            [self.calibrated(k, j.slices) for k, j in zip(asked, judgements, strict=True)], axis=0
        )
        attributes = np.mean([j.attributes for j in judgements], axis=0)
        return Opinion(
            model=self.info.name,
            version=self.info.version,
            malignancy=float(np.mean(folds)),
            std=float(parts.std()),
            view_scores=tuple(parts),
            view_names=places(judgements[0]),
            fold_scores=tuple(map(float, folds)),
            attributes=dict(zip(ATTRIBUTES, map(float, attributes.mean(0)), strict=True)),
            attribute_spread=dict(zip(ATTRIBUTES, map(float, attributes.std(0)), strict=True)),
        )


def places(judgement: Judgement) -> tuple[str, ...]:
    """Names of the slices: ``"axial −3.0 mm"``."""
    return tuple(f"{plane} {offset:+.1f} mm".replace("-", "−") for plane, offset in judgement.places)
