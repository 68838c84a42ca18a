"""Quantiles over images of a value that each of them has, as the Dice coefficient of its lungs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..froc.boxes_auc import by_rows
from ..intervals.bootstrap import Statistic, finite


def spread(values: Sequence[float]) -> dict[str, float | int | None]:
    """Compute ``median``, ``p10`` (tenth percentile), ``mean`` and ``n`` of a value by image; None where there is no image."""
    known = np.asarray(values, float)
    if not len(known):
        return {"median": None, "p10": None, "mean": None, "n": 0}
    return {
        "median": finite(np.median(known)),
        "p10": finite(np.quantile(known, 0.1)),
        "mean": finite(known.mean()),
        "n": len(known),
    }


def quantile_of(values: npt.ArrayLike, q: float) -> Statistic:
    """Make a quantile over images a function of whole-number weights (how often the bootstrap drew each); NaN values left out."""
    known = np.asarray(values, float)

    def measure(weight: np.ndarray) -> float:
        sample = np.repeat(known, np.where(np.isfinite(known), weight, 0).astype(int))
        return float(np.quantile(sample, q)) if len(sample) else np.nan

    return by_rows(measure)
