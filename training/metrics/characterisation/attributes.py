"""Errors of predicted LIDC attributes on their original scales, beside what the readers themselves disagree by."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy.stats import spearmanr

from ...findings import ATTRIBUTES
from ...findings.lidc_scales import NOMINAL
from ..intervals.bootstrap import finite, interval


def attribute_figures(
    readers: Sequence[np.ndarray], predicted: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, dict[str, float | None]]:
    """Compute by attribute the mean absolute error, Spearman's rho, and for the nominal ones the accuracy of the rounded value.

    Parameters
    ----------
    readers
        Of each nodule (readers, 8 or 9) what they wrote, in the order of `ATTRIBUTES`; NaN where one was left out. Error and rho
        are against their mean, accuracy against their majority.
    predicted
        (n, 8) in the order of `ATTRIBUTES`, on the LIDC scales; nodules with NaN are left out.
    weights
        (samples, n) of `bootstrap_weights`: adds ``mae_lower`` and ``mae_upper``.

    Returns
    -------
    dict
        Attribute -> ``{"mae", "spearman"}`` and for `NOMINAL` ``"accuracy"``; None where there is no such figure.
    """
    if np.shape(predicted) != (len(readers), len(ATTRIBUTES)):
        raise ValueError(f"{np.shape(predicted)} predicted attributes for {len(readers)} nodules")
    truth = np.array([np.nanmean(r[:, : len(ATTRIBUTES)], axis=0) for r in readers]).reshape(
        -1, len(ATTRIBUTES)
    )
    figures: dict[str, dict[str, float | None]] = {}
    for i, name in enumerate(ATTRIBUTES):
        known = np.isfinite(truth[:, i]) & np.isfinite(predicted[:, i])
        error = np.abs(truth[known, i] - predicted[known, i])
        row: dict[str, float | None] = {
            "mae": finite(error.mean() if len(error) else np.nan),
            "spearman": finite(spearman(truth[known, i], predicted[known, i])),
        }
        if weights is not None and len(error):
            bounds = interval(lambda w, e=error: (w * e).sum(-1) / w.sum(-1), weights[:, known])  # type: ignore[misc]
            row |= {"mae_lower": finite(bounds.lower), "mae_upper": finite(bounds.upper)}
        if name in NOMINAL:
            row["accuracy"] = finite(majority_accuracy(readers, predicted[:, i], i))
        figures[name] = row
    return figures


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Compute Spearman's rank correlation; NaN for fewer than two values or where one side never changes."""
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)


def majority(values: np.ndarray) -> int | None:
    """Find the readers' most frequent value; None where two are equally frequent, or none was given."""
    found, counts = np.unique(values[np.isfinite(values)], return_counts=True)
    best = found[counts == counts.max()] if len(found) else found
    return int(best[0]) if len(best) == 1 else None


def majority_accuracy(readers: Sequence[np.ndarray], predicted: np.ndarray, attribute: int) -> float:
    """Compute the fraction of nodules whose rounded value is the readers' majority; nodules without a majority are left out."""
    pairs = [(majority(r[:, attribute]), p) for r, p in zip(readers, predicted, strict=True)]
    # Halves are rounded up, not to the even neighbour.
    right = [int(np.floor(p + 0.5)) == m for m, p in pairs if m is not None and np.isfinite(p)]
    return float(np.mean(right)) if right else float("nan")


def reader_disagreement(readers: Sequence[np.ndarray]) -> np.ndarray:
    """Compute (8,) the mean absolute difference over all pairs of readers of all nodules (MTMR Table III's "IB")."""
    differences = [
        np.abs(a - b)[: len(ATTRIBUTES)] for r in readers for a, b in combinations(r.astype(float), 2)
    ]
    if not differences:
        return np.full(len(ATTRIBUTES), np.nan)
    return np.nanmean(differences, axis=0)
