"""Areas under FROC and AFROC curves of boxes on radiographs, as functions of weights (`bootstrap.Statistic`).

The FROC curve is the one of `luna16`: sensitivity by nodule over false positives per radiograph (all radiographs count), one
point for each distinct score, straight lines between points, from (0, 0). Its area runs to `UP_TO` false positives per
radiograph and is divided by that, so that it lies between 0 and 1. Past its last point the curve keeps its sensitivity: a network
that marks little is not credited with what looser thresholds might have found, nor docked for stopping.

The AFROC curve has the sensitivity by nodule over the fraction of *radiographs without nodules* with at least one false positive
(Chakraborty & Winter, Radiology 174, 1990; Chakraborty & Berbaum, Medical Physics 31, 2004). Marks beside the nodules on
radiographs with nodules do not count (they would in "AFROC1"). The area includes the straight line from the last point to (1, 1),
so that it equals the Wilcoxon statistic: the chance that a nodule's mark scores above the highest mark on a radiograph without
nodule, equals counting half, what is not marked scoring lowest (Chakraborty & Zhai, Medical Physics 43, 2016). A network without
any mark has 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ..characterisation.classification import roc_auc
from ..intervals.bootstrap import Statistic
from .hit_curve import hit_curve
from .matching import Matching

UP_TO = 1.0
"""False positives per radiograph up to which DHN's FROC-AUC is taken."""


def by_rows(measure: Callable[[np.ndarray], float]) -> Statistic:
    """Turn a measure of weights (n,) into one of weights (samples, n) too."""

    def of(weights: np.ndarray) -> np.ndarray:
        rows = np.atleast_2d(weights)
        values = np.array([measure(row) if row.sum() else np.nan for row in rows])
        return values if np.ndim(weights) > 1 else values[0]

    return of


def froc_area(
    matchings: Sequence[Matching], up_to: float = UP_TO, complete: np.ndarray | None = None
) -> Statistic:
    """Make the FROC-AUC, 0–1, one matching for each radiograph; NaN without nodules. `complete`: see `hit_curve`."""
    curve = hit_curve(matchings, duplicates_are_false=False, complete=complete)

    def measure(weights: np.ndarray) -> np.ndarray:
        steps = curve.steps(weights)
        end = up_to * steps.radiographs
        # A nodule found with x false marks adds the rest of the way, end − x. Where false marks share its score, x runs evenly
        # from `before` to `after`: the mean of the rest, which is 0 beyond the end.
        reached = np.minimum(steps.after, end)
        fraction = _fraction(reached - steps.before, steps.after - steps.before)
        rest = np.where(steps.before < end, fraction * (end - (steps.before + reached) / 2), 0.0)
        return _fraction((steps.gained * rest).sum(-1), (steps.nodules * end)[..., 0], nothing=np.nan)

    return measure


def froc_sensitivity(
    matchings: Sequence[Matching], rate: float, complete: np.ndarray | None = None
) -> Statistic:
    """Make the sensitivity, 0–1, at a rate of false positives per radiograph; NaN without nodules. `complete`: see `hit_curve`."""
    return froc_sensitivities(matchings, (rate,), complete)[rate]


def froc_sensitivities(
    matchings: Sequence[Matching], rates: Sequence[float], complete: np.ndarray | None = None
) -> dict[float, Statistic]:
    """Make `froc_sensitivity` at each of several rates: all of them are read from one curve."""
    curve = hit_curve(matchings, duplicates_are_false=False, complete=complete)

    def measure(rate: float, weights: np.ndarray) -> np.ndarray:
        steps = curve.steps(weights)
        end = rate * steps.radiographs
        fraction = np.clip(_fraction(end - steps.before, steps.after - steps.before), 0, 1)
        found = np.where(steps.before <= end, steps.gained * fraction, 0.0).sum(-1)
        return _fraction(found, steps.nodules[..., 0], nothing=np.nan)

    return {rate: partial(measure, rate) for rate in rates}


def _fraction(part: np.ndarray, whole: np.ndarray, nothing: float = 1.0) -> np.ndarray:
    """`part` / `whole`, and `nothing` where the whole is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.full(part.shape, nothing), where=whole != 0)


def afroc_area(matchings: Sequence[Matching], positive: np.ndarray) -> Statistic:
    """Make the AFROC-AUC, 0–1; NaN without nodules or without radiographs that have none.

    Parameters
    ----------
    matchings
        One for each radiograph.
    positive
        (n,) whether a nodule is on the radiograph.
    """
    positive = np.asarray(positive, bool)
    negative = [int(i) for i in np.flatnonzero(~positive)]
    lesion = [_scores_of(m) for m in matchings]
    highest = [matchings[i].score.max(initial=-np.inf) for i in negative]
    value = np.r_[np.concatenate([*lesion, np.empty(0)]), highest]
    radiograph = np.r_[np.repeat(np.arange(len(matchings)), [len(v) for v in lesion]), negative].astype(
        np.intp
    )
    label = np.arange(len(value)) < len(value) - len(negative)
    # The Wilcoxon statistic asks for the order only: what is not marked gets a number below all others.
    lowest = value[np.isfinite(value)].min(initial=0.0) - 1
    value = np.where(np.isfinite(value), value, lowest)
    return lambda weights: roc_auc(label, value, np.asarray(weights, float)[..., radiograph])


def _scores_of(matching: Matching) -> np.ndarray:
    """Score of the mark on each nodule (m,), −inf where it was missed."""
    marks = matching.nodule_mark
    return np.where(matching.found, np.r_[matching.score, 0.0][marks], -np.inf)
