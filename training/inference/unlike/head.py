"""The probability that a sphere on a CT is no nodule: a logistic regression on what lies in and around it.

The networks that characterise were trained on nodules alone and find every place somehow malignant: a vertebra or the hilum is
large, and what is large is malignant. Nodules are told from bright places that are none by plain numbers (`ops.surroundings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.special import expit

from ...ops.surroundings import NAMES, surroundings
from ..weights import ModelCard, WeightsError, load_state, read_card

WEIGHTS = Path(__file__).parent / "weights" / "unlike.safetensors"
LARGEST_MM = 30.0
"""A larger mass may lie at the hilum or in the chest wall with little air left around it."""
_SIZE, _THROUGH = NAMES.index("log_diameter"), NAMES.index("through")


def terms(values: np.ndarray) -> np.ndarray:
    """Expand `surroundings` (n, 18) to what the regression is linear in: squares, products with size and with what goes through."""
    return np.column_stack(
        [
            values,
            values**2,
            values * values[:, _SIZE : _SIZE + 1],
            values * values[:, _THROUGH : _THROUGH + 1],
        ]
    )


@dataclass(frozen=True, eq=False)
class UnlikeHead:
    """The regressions of all folds.

    Parameters
    ----------
    tensors
        Fold -> (terms + 1,) coefficients, the last one without a term.
    folds
        Series of the training data -> the fold whose regression never saw it.
    """

    tensors: Mapping[str, np.ndarray]
    folds: Mapping[str, str]

    def unlike(self, cube: np.ndarray, center: np.ndarray, diameter: float, series: str = "") -> float | None:
        """Tell how likely a place is no nodule, 0–1; None for what is larger than any nodule that it was fitted on.

        Parameters
        ----------
        cube
            (D, H, W) HU at 1 mm, z, y, x.
        center
            (3,) voxel index.
        diameter
            mm.
        series
            Of the scan; the mean of all folds where it is none of the training data.
        """
        if diameter > LARGEST_MM:
            return None
        return float(self.of(surroundings(cube, center, diameter)[None], [series])[0])

    def of(self, values: np.ndarray, series: list[str]) -> np.ndarray:
        """Tell the same from `surroundings` (n, 18): (n,)."""
        rows = np.column_stack([terms(values), np.ones(len(values))])
        every = {fold: expit(rows @ table) for fold, table in self.tensors.items()}
        mean: np.ndarray = np.mean(list(every.values()), axis=0)
        chosen = [every.get(self.folds.get(s, ""), mean) for s in series]
        return np.array([own[i] for i, own in enumerate(chosen)])


@lru_cache(maxsize=1)
def shipped_head() -> UnlikeHead:
    """Load the shipped regressions.

    Raises
    ------
    WeightsError
        A file is missing, damaged, or of another version.
    """
    card = read_card(WEIGHTS)
    return head_of(card, {k: t.double().numpy() for k, t in load_state(WEIGHTS, card).items()})


def head_of(card: ModelCard, tensors: Mapping[str, np.ndarray]) -> UnlikeHead:
    """Build regressions from a card and its tensors.

    Raises
    ------
    WeightsError
        They do not fit what this version measures.
    """
    size = terms(np.zeros((1, len(NAMES)))).shape[1] + 1
    if card.config.get("measures") != list(NAMES) or any(t.shape != (size,) for t in tensors.values()):
        raise WeightsError(f"{card.name} measures other things than this version does.")
    return UnlikeHead(
        {key.removeprefix("fold"): table for key, table in tensors.items()}, card.training.get("folds", {})
    )
