"""True negative patients: of those without a nodule, the fraction that a detector leaves without a mark.

Zhang et al., *3D Aggregated Faster R-CNN for General Lesion Detection* (3D-AG), §IV-G: a false mark on a patient who has nothing
weighs more than a further one on a patient who is followed anyway, and FROC does not tell them apart. The threshold is the one at
which the sensitivity reaches 0.95; LUNA16 has 287 such patients of 888.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from ..intervals.bootstrap import SAMPLES, Interval, bootstrap_weights, interval
from .luna16 import froc_curve
from .matching import Matching

SENSITIVITY = 0.95


@dataclass(frozen=True)
class TrueNegativePatients:
    """The score (TNP) and what it was read at.

    Parameters
    ----------
    threshold
        Highest score at which the sensitivity is reached; NaN where it never is, and then the fraction is NaN too.
    patients
        How many have no nodule.
    fraction
        Of them without a mark from `threshold` on, with its 95 % interval over patients at this threshold.
    """

    threshold: float
    patients: int
    fraction: Interval


def true_negative_patients(
    matchings: Sequence[Matching],
    negatives: Sequence[Matching] | None = None,
    *,
    groups: Sequence[Hashable] | None = None,
    sensitivity: float = SENSITIVITY,
    samples: int = SAMPLES,
    seed: int = 0,
) -> TrueNegativePatients:
    """Compute the fraction of patients without a nodule that are left without a mark.

    Parameters
    ----------
    matchings
        Of whole scans or other regions, from `match_marks`: the threshold is read from their FROC curve.
    negatives
        Regions without a nodule; by default those of `matchings` that have none. Marks on excluded findings do not count.
    groups
        The patient of each of `negatives`, who is negative only where all of his are; by default each is a patient.

    Raises
    ------
    ValueError
        There is no matching at all, or groups and negatives differ in number.
    """
    free = [m for m in matchings if not len(m.nodule_mark)] if negatives is None else list(negatives)
    names = list(range(len(free))) if groups is None else list(groups)
    if len(names) != len(free):
        raise ValueError(f"{len(names)} groups for {len(free)} regions without a nodule")
    curve = froc_curve(matchings)
    reached = np.flatnonzero(curve.sensitivity >= sensitivity)
    threshold = float(curve.threshold[reached[0]]) if len(reached) else np.nan
    highest: dict[Hashable, float] = {}
    for name, m in zip(names, free, strict=True):
        best = m.score[m.false_positive].max(initial=-np.inf)
        highest[name] = max(highest.get(name, -np.inf), float(best))
    if not highest or np.isnan(threshold):
        return TrueNegativePatients(threshold, len(highest), Interval(np.nan, np.nan, np.nan))
    clear = (np.array(list(highest.values())) < threshold).astype(float)
    weights = bootstrap_weights(np.arange(len(clear)), samples, seed)
    fraction = interval(lambda w: w @ clear / w.sum(-1), weights)
    return TrueNegativePatients(threshold, len(clear), fraction)
