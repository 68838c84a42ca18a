"""Out-of-fold predictions: what a network, or a baseline, says of nodules that its training never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """One predictor's opinion of n nodules, each by the model of the fold that left its scan out.

    Parameters
    ----------
    index, series, fold
        (n,) row of ``nodules.csv``, series and fold of each nodule: "0" … "4", anything else for scans in no fold.
    diameter
        (n,) in mm.
    readers
        Rule -> (n,) malignancy by the readers, 1–5: ``"mean"`` and ``"median"``.
    malignancy
        (n,) predicted probability, calibrated.
    attributes
        (n, 8) predicted, on the LIDC scales; NaN where the predictor knows none.
    """

    index: np.ndarray
    series: np.ndarray
    fold: np.ndarray
    diameter: np.ndarray
    readers: dict[str, np.ndarray]
    malignancy: np.ndarray
    attributes: np.ndarray
    logit: np.ndarray = field(default_factory=lambda: np.empty(0))
    spread: np.ndarray = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return len(self.index)

    @property
    def has_attributes(self) -> bool:
        """Tell whether any attribute was predicted."""
        return bool(np.isfinite(self.attributes).any())

    def label(self, rule: str) -> np.ndarray:
        """Label nodules (n,): 1 malignant (> 3), 0 benign (< 3), −1 neither, by the readers' mean or median."""
        value = self.readers[rule]
        return np.where(value > 3 + 1e-6, 1, np.where(value < 3 - 1e-6, 0, -1))

    def take(self, chosen: np.ndarray) -> OutOfFold:
        """Select some of the nodules: a mask (n,) or positions."""
        n = len(self)
        arrays = {
            name: value[chosen]
            for name, value in vars(self).items()
            if isinstance(value, np.ndarray) and len(value) == n
        }
        return replace(self, readers={rule: v[chosen] for rule, v in self.readers.items()}, **arrays)


def same_nodules(predictors: Sequence[OutOfFold]) -> list[OutOfFold]:
    """Restrict every predictor to the nodules that all of them know, in one order: what paired comparisons need."""
    common = set(map(int, predictors[0].index)).intersection(*(map(int, p.index) for p in predictors[1:]))
    chosen = []
    for predictor in predictors:
        place = {int(i): position for position, i in enumerate(predictor.index)}
        chosen.append(predictor.take(np.array([place[i] for i in sorted(common)], int)))
    return chosen
