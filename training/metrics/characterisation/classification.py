"""Measures of a probability for two classes: ROC, rates at a threshold, Brier score, calibration.

Each takes weights too, (n,) or (samples, n), and then returns one value for each row: this is what makes the bootstrap of
`bootstrap` quick. Without weights the result is a scalar. NaN means that a class is missing, so that there is no such measure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

BINS = 10
Binning = Literal["width", "mass"]


def roc_auc(label: npt.ArrayLike, score: npt.ArrayLike, weight: np.ndarray | None = None) -> np.ndarray:
    """Compute the area under the ROC curve, 0–1: the chance that a malignant nodule scores above a benign one, ties counting half.

    Parameters
    ----------
    label, score
        (n,) 1 malignant or 0 benign, and any numbers that rise with malignancy.

    Raises
    ------
    ValueError
        Lengths differ, labels are other than 0 and 1, or scores are not finite.
    """
    positive, value, w = _checked(label, score, weight)
    order = np.argsort(value, kind="stable")
    value, positive, w = value[order], positive[order], w[..., order]
    benign = np.cumsum(w * ~positive, axis=-1)
    benign = np.concatenate([np.zeros((*benign.shape[:-1], 1)), benign], axis=-1)
    own = value[positive]
    below = benign[..., np.searchsorted(value, own, "left")]
    up_to = benign[..., np.searchsorted(value, own, "right")]
    malignant = w[..., positive]
    return _fraction((malignant * (below + up_to) / 2).sum(-1), malignant.sum(-1) * benign[..., -1])


@dataclass(frozen=True)
class Rates:
    """Fractions of right answers at one threshold: of all, of the malignant, of the benign."""

    accuracy: np.ndarray
    sensitivity: np.ndarray
    specificity: np.ndarray


def rates(
    label: npt.ArrayLike,
    probability: npt.ArrayLike,
    threshold: float = 0.5,
    weight: np.ndarray | None = None,
) -> Rates:
    """Compute accuracy, sensitivity and specificity, 0–1, when a probability of at least `threshold` is called malignant."""
    positive, value, w = _checked(label, probability, weight)
    right = (value >= threshold) == positive
    return Rates(
        _fraction((w * right).sum(-1), w.sum(-1)),
        _fraction((w * (right & positive)).sum(-1), (w * positive).sum(-1)),
        _fraction((w * (right & ~positive)).sum(-1), (w * ~positive).sum(-1)),
    )


def brier_score(
    label: npt.ArrayLike, probability: npt.ArrayLike, weight: np.ndarray | None = None
) -> np.ndarray:
    """Compute the mean squared difference of probability and outcome (Brier 1950): 0 is best, always saying 0.5 gives 0.25."""
    positive, value, w = _checked(label, probability, weight)
    return _fraction((w * (value - positive) ** 2).sum(-1), w.sum(-1))


@dataclass(frozen=True)
class Bin:
    """One row of a reliability table: nodules with a probability in (lower, upper], those at 0 with the first."""

    lower: float
    upper: float
    count: int
    predicted: float
    observed: float


def reliability(
    label: npt.ArrayLike, probability: npt.ArrayLike, bins: int = BINS, equal: Binning = "width"
) -> list[Bin]:
    """Compute the mean probability beside the observed fraction of malignant nodules, in bins; empty bins are left out.

    Parameters
    ----------
    equal
        ``"width"``: bins of the same width on 0–1 (Guo et al. 2017); ``"mass"``: of the same number of nodules,
        equal probabilities always together.
    """
    positive, value, _ = _checked(label, probability, None)
    edges, index = _bins(value, bins, equal)
    rows = []
    for i in range(len(edges) - 1):
        inside = index == i
        if inside.any():
            predicted, observed = float(value[inside].mean()), float(positive[inside].mean())
            rows.append(Bin(float(edges[i]), float(edges[i + 1]), int(inside.sum()), predicted, observed))
    return rows


def calibration_error(
    label: npt.ArrayLike,
    probability: npt.ArrayLike,
    bins: int = BINS,
    equal: Binning = "width",
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the expected calibration error, 0–1: mean over the nodules of |observed fraction − mean probability| of their bin.

    Naeini et al. 2015; the figure printed everywhere is the one of 10 bins of equal width. Some error is left even to a
    perfect predictor, because a bin's fraction is an estimate: about 0.03 for 850 nodules.
    """
    positive, value, w = _checked(label, probability, weight)
    edges, index = _bins(value, bins, equal)
    # Σ over bins of |Σ w (y − p)|: a bin's weight cancels its mean's denominator.
    excess = w * (positive - value)
    gaps = [np.abs(excess[..., index == i].sum(-1)) for i in range(len(edges) - 1)]
    return _fraction(np.sum(gaps, axis=0), w.sum(-1))


def _bins(value: np.ndarray, bins: int, equal: Binning) -> tuple[np.ndarray, np.ndarray]:
    """Edges (bins + 1,), and the bin of each value (n,)."""
    if len(value) and (value.min() < 0 or value.max() > 1):
        raise ValueError("calibration needs probabilities between 0 and 1")
    edges = np.linspace(0, 1, bins + 1)
    if equal == "mass" and len(value):
        edges = np.r_[0.0, np.quantile(value, edges[1:-1]), 1.0]
    return edges, np.searchsorted(edges[1:-1], value, "left")


def _checked(
    label: npt.ArrayLike, score: npt.ArrayLike, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    known, value = np.asarray(label), np.asarray(score, float)
    if known.shape != value.shape or known.ndim != 1:
        raise ValueError(f"{known.shape} labels for {value.shape} scores")
    if not np.isin(known, (0, 1)).all():
        raise ValueError("labels must be 0 or 1: leave out the nodules that are neither")
    if not np.isfinite(value).all():
        raise ValueError("scores must be finite numbers")
    w = np.ones(len(value)) if weight is None else np.asarray(weight, float)
    if w.shape[-1] != len(value):
        raise ValueError(f"weights of {w.shape[-1]} nodules for {len(value)} scores")
    return known.astype(bool), value, w


def _fraction(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(part, whole)
