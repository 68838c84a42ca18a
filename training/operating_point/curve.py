"""What can be expected at each threshold: sensitivity with false marks a scan, or with specificity, and their 95 % intervals.

Cases are drawn with replacement (`metrics.intervals.bootstrap`), all cases of a patient together. Fewer than `LEAST_CASES` say
nothing about how cases differ; then the intervals are those of counts: Clopper and Pearson's (1934) of nodules found, Garwood's
(1936) of false marks. They take nodules and marks for independent, and are too narrow where these come in clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, chi2

from ..metrics.intervals.bootstrap import CONFIDENCE, SAMPLES, bootstrap_weights
from .cases import EvaluatedCase

LEAST_CASES = 10
MOST_POINTS = 400
"""Thresholds of a curve: more than a screen shows are thinned out."""


@dataclass(frozen=True)
class Expected:
    """A rate with its 95 % interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False)
class OperatingCurve:
    """Rates over thresholds, from the strictest to the loosest.

    Parameters
    ----------
    threshold
        (k,) scores; the first is infinity: nothing is marked.
    sensitivity
        (3, k) value, lower and upper bound: nodules found (FROC), or radiographs with a nodule that count as showing one (ROC).
    false
        (3, k) the same of false marks a scan (FROC), or of radiographs without a nodule that count as showing one (ROC).
    roc
        Whether it is a ROC curve.
    cases, nodules
        What it rests on: scans and their nodules, or radiographs and those with a nodule.
    """

    threshold: np.ndarray
    sensitivity: np.ndarray
    false: np.ndarray
    roc: bool
    cases: int
    nodules: int

    def place(self, threshold: float) -> int:
        """The point of the curve that holds at a threshold: that of the lowest of its scores that is not below."""
        return max(int(np.searchsorted(-self.threshold, -threshold, "right")) - 1, 0)

    def at(self, threshold: float) -> tuple[Expected, Expected]:
        """Sensitivity and false marks that can be expected at a threshold."""
        k = self.place(threshold)
        return Expected(*map(float, self.sensitivity[:, k])), Expected(*map(float, self.false[:, k]))


def froc(cases: Sequence[EvaluatedCase]) -> OperatingCurve | None:
    """Make the FROC curve of marks; None where there is no nodule."""
    nodules = np.array([c.nodules for c in cases], float)
    if not nodules.sum():
        return None
    return _curve(
        *([c.group for c in cases], [c.hits for c in cases], nodules),
        *([c.false for c in cases], np.ones(len(cases))),
        roc=False,
    )


def roc(cases: Sequence[EvaluatedCase]) -> OperatingCurve | None:
    """Make the ROC curve of what is said of whole radiographs; None where all or none show a nodule."""
    known = [c for c in cases if c.positive is not None and c.score is not None]
    positive = np.array([bool(c.positive) for c in known])
    if positive.all() or not positive.any():
        return None
    scores = [np.array([c.score]) for c in known]
    nothing = np.zeros(0)
    return _curve(
        [c.group for c in known],
        [s if p else nothing for s, p in zip(scores, positive, strict=True)],
        positive.astype(float),
        [nothing if p else s for s, p in zip(scores, positive, strict=True)],
        (~positive).astype(float),
        roc=True,
    )


def _curve(
    groups: Sequence[str],
    hits: Sequence[np.ndarray],
    all_hits: np.ndarray,
    false: Sequence[np.ndarray],
    all_false: np.ndarray,
    *,
    roc: bool,
) -> OperatingCurve:
    threshold = np.r_[np.inf, np.unique(np.concatenate([*hits, *false, np.empty(0)]))[::-1]]
    if len(threshold) > MOST_POINTS:
        threshold = threshold[np.unique(np.linspace(0, len(threshold) - 1, MOST_POINTS).round().astype(int))]
    found, marked = _counts(hits, threshold), _counts(false, threshold)
    if len(set(groups)) >= LEAST_CASES:
        weights = np.concatenate([np.ones((1, len(groups))), bootstrap_weights(groups, SAMPLES)])
        sensitivity, rate = _drawn(weights, found, all_hits), _drawn(weights, marked, all_false)
    else:
        sensitivity = binomial(found.sum(0), all_hits.sum())
        rate = binomial(marked.sum(0), all_false.sum()) if roc else poisson(marked.sum(0), all_false.sum())
    return OperatingCurve(threshold, sensitivity, rate, roc, len(groups), int(all_hits.sum()))


def _counts(scores: Sequence[np.ndarray], threshold: np.ndarray) -> np.ndarray:
    """(n, k) scores of each case that reach each threshold."""
    return np.array([len(s) - np.searchsorted(np.sort(s), threshold, "left") for s in scores], float)


def _drawn(weights: np.ndarray, counts: np.ndarray, of: np.ndarray) -> np.ndarray:
    """(3, k) rates of all cases, the first row of weights, with the percentiles of the others."""
    total = weights @ of
    rates = (weights @ counts)[total > 0] / total[total > 0][:, None]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(rates[1:], [tail, 1 - tail], axis=0)
    # A sum of products may differ from the samples' in its last bit.
    return np.array([rates[0], np.minimum(low, rates[0]), np.maximum(high, rates[0])])


def binomial(count: np.ndarray, of: float) -> np.ndarray:
    """(3, k) fraction of `of` trials, with Clopper and Pearson's interval."""
    tail = (1 - CONFIDENCE) / 2
    low = np.where(count > 0, beta.ppf(tail, np.maximum(count, 1), of - count + 1), 0.0)
    high = np.where(count < of, beta.ppf(1 - tail, count + 1, np.maximum(of - count, 1)), 1.0)
    return np.array([count / of, low, high])


def poisson(count: np.ndarray, of: float) -> np.ndarray:
    """(3, k) counts for one of `of` scans, with Garwood's interval."""
    tail = (1 - CONFIDENCE) / 2
    low = np.where(count > 0, chi2.ppf(tail, 2 * np.maximum(count, 1)) / 2, 0.0)
    return np.array([count, low, chi2.ppf(1 - tail, 2 * (count + 1)) / 2]) / of
