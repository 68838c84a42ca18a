"""Confidence intervals by drawing scans with replacement (cluster bootstrap; Davison & Hinkley 1997, §3.8).

Nodules of one scan share patient, scanner and readers, so that scans are drawn, not nodules. A sample is a row of weights:
how often each nodule's scan was drawn. Every measure that takes weights is then computed for all samples at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np

SAMPLES = 1000
CONFIDENCE = 0.95
ROUNDING = 1e-12
"""Two numbers between 0 and 1 that differ by less are the same, computed in another order."""

Statistic = Callable[[np.ndarray], np.ndarray]
"""Takes weights (samples, n) or (n,) and returns one value for each row of weights."""


@dataclass(frozen=True)
class Interval:
    """A measure on all nodules, with its percentile interval; the bounds are NaN where no sample had a value."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.lower:.3f}–{self.upper:.3f})"

    def to_json(self) -> dict[str, float | None]:
        """Convert to ``{"value", "lower", "upper"}``; NaN becomes None."""
        return {name: finite(getattr(self, name)) for name in ("value", "lower", "upper")}


def finite(value: float) -> float | None:
    """Convert a number for JSON, which knows no NaN: None instead."""
    return float(value) if np.isfinite(value) else None


def bootstrap_weights(
    groups: Sequence[Hashable] | np.ndarray, samples: int = SAMPLES, seed: int = 0
) -> np.ndarray:
    """Draw scans with replacement: how often each nodule's scan was drawn, (samples, n); each row draws as many scans as there are.

    Parameters
    ----------
    groups
        (n,) the series of each nodule.

    Raises
    ------
    ValueError
        There is no nodule.
    """
    names, group = np.unique(np.asarray(groups), return_inverse=True)
    if not len(names):
        raise ValueError("a bootstrap needs at least one nodule")
    draws = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=samples
    )
    return draws[:, group].astype(float)


def interval(statistic: Statistic, weights: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Compute a measure on all nodules with its percentile interval; samples without a value (a class is missing) are left out.

    Parameters
    ----------
    weights
        (samples, n) of `bootstrap_weights`.
    """
    # One computation gives the value and the samples: a product of another shape may add up in another order.
    values = np.asarray(statistic(np.concatenate([np.ones((1, weights.shape[1])), weights])), float)
    return percentile_interval(values[0], values[1:], confidence)


def percentile_interval(value: float, samples: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Take the percentiles of bootstrap samples (n,) as the bounds of a value; NaN among the samples is left out.

    A bound nearer to the value than `ROUNDING` is the value: samples that all give one number differ in their last bit, by the
    processor, and an interval must not lie beside its own value for that.
    """
    samples = samples[np.isfinite(samples)]
    if not len(samples):
        return Interval(float(value), np.nan, np.nan)
    bounds = np.quantile(samples, [(1 - confidence) / 2, (1 + confidence) / 2])
    lower, upper = np.where(np.isclose(bounds, value, rtol=ROUNDING, atol=ROUNDING), value, bounds)
    return Interval(float(value), float(lower), float(upper))


def paired_difference(
    first: Statistic, second: Statistic, weights: np.ndarray, confidence: float = CONFIDENCE
) -> Interval:
    """Compute `first` − `second` of two predictors on the same nodules, each sample drawn once for both.

    An interval that does not hold 0 says that the two differ by more than chance in the drawing of scans explains.
    """
    return interval(lambda w: np.asarray(first(w)) - np.asarray(second(w)), weights, confidence)
