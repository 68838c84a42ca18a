"""Whether one way of training beats another: paired differences over seeds, intervals by drawing backgrounds.

Both ways are evaluated on the same radiographs, and seed i of one is set against seed i of the other. Simulated radiographs on one
background share everything but the nodule, so that backgrounds are drawn, not radiographs (`bootstrap`); each draw serves all seeds
of both.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .bootstrap import (
    CONFIDENCE,
    ROUNDING,
    SAMPLES,
    Interval,
    Statistic,
    bootstrap_weights,
    finite,
    percentile_interval,
)


@dataclass(frozen=True)
class PairedDifference:
    """The difference `first` − `second` of two ways of training.

    Parameters
    ----------
    first, second
        Means over the seeds, on all radiographs.
    difference
        Mean over the seeds, with the interval over backgrounds: what other radiographs might give, with the same trained networks.
    with_seeds
        The same with seeds drawn too: what training again might give as well. Three seeds say little about seeds; an interval
        that holds 0 here while the other does not says that the seeds disagree.
    by_seed
        The difference of each pair.
    samples
        Bootstrap samples in which both have a value.
    """

    first: float
    second: float
    difference: Interval
    with_seeds: Interval
    by_seed: tuple[float, ...]
    samples: int

    @property
    def resolved(self) -> bool:
        """Tell whether both intervals lie on one side of 0: the data can tell the two apart."""
        bounds = [
            (i.lower, i.upper)
            for i in (self.difference, self.with_seeds)
            if np.isfinite([i.lower, i.upper]).all()
        ]
        above, below = (low > ROUNDING for low, _ in bounds), (high < -ROUNDING for _, high in bounds)
        return len(bounds) == 2 and (all(above) or all(below))

    def to_json(self) -> dict[str, Any]:
        """Convert to plain JSON values; NaN becomes None."""
        return {
            "first": finite(self.first),
            "second": finite(self.second),
            "difference": self.difference.to_json(),
            "with_seeds": self.with_seeds.to_json(),
            "by_seed": [finite(d) for d in self.by_seed],
            "resolved": self.resolved,
            "samples": self.samples,
        }


def paired_over_seeds(
    first: Sequence[Statistic],
    second: Sequence[Statistic],
    groups: Sequence[Hashable],
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> PairedDifference:
    """Compute the difference of one measure between two ways of training.

    Parameters
    ----------
    first, second
        The measure of each seed, as functions of weights over the same radiographs in the same order (`radiograph_statistics`).
    groups
        (n,) the background of each radiograph.

    Raises
    ------
    ValueError
        The numbers of seeds differ or are 0.
    """
    if len(first) != len(second) or not first:
        raise ValueError(f"{len(first)} seeds against {len(second)}: seeds are compared in pairs")
    weights = bootstrap_weights(groups, samples, seed)
    # The first row is all radiographs, the others are the samples.
    rows = np.concatenate([np.ones((1, weights.shape[1])), weights])
    values = np.array([[statistic(rows) for statistic in side] for side in (first, second)], float)
    by_seed, differences = values[0, :, 0] - values[1, :, 0], (values[0] - values[1])[:, 1:]
    seeds = np.random.default_rng(seed).integers(0, len(first), size=(len(first), samples))
    with_seeds = np.take_along_axis(differences, seeds, axis=0)
    value = float(by_seed.mean())
    if len(set(groups)) > 1:
        over_backgrounds = percentile_interval(value, differences.mean(0), confidence)
        over_both = percentile_interval(value, with_seeds.mean(0), confidence)
    else:  # one background says nothing about others
        over_backgrounds = over_both = Interval(value, np.nan, np.nan)
    return PairedDifference(
        float(values[0, :, 0].mean()),
        float(values[1, :, 0].mean()),
        over_backgrounds,
        over_both,
        tuple(float(d) for d in by_seed),
        int(np.isfinite(differences).all(0).sum()),
    )
