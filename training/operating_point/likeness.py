"""Whether a scan is like those that a threshold was tuned on: what is promised of scans like them is not promised of others.

Each scan is compared with all others of the calibration and the new one: its strangeness is how far it lies from their median, in
robust standard deviations of the logarithm, in the feature where that is farthest. If the new scan came from the same source, its
rank among the n + 1 would be any with equal chance; so the p-value (1 + those at least as strange) / (n + 1) is exact whatever the
distributions (conformal prediction; Vovk et al. 2005), and the lamp lights for such a scan with a chance of at most 0.05, or of
1 / (n + 1) where n is below 19.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .features import FEATURES, MAD, digits

LEVEL = 0.05
"""Chance of a false alarm, where there are scans enough for so small a one."""
LEAST_SCANS = 5


@dataclass(frozen=True)
class Strange:
    """A feature outside the range of the calibration.

    Parameters
    ----------
    name
        Of `features.FEATURES`.
    value, low, high
        Of the scan, and the range of the others.
    p
        Conformal p-value of this feature alone, on both sides.
    """

    name: str
    value: float
    low: float
    high: float
    p: float

    @property
    def words(self) -> str:
        """``slices of 5 mm; tuned on 0.6–2.5 mm``."""
        low, high = digits(self.low), digits(self.high)
        span = low if low == high else f"{low}–{high}"
        feature = FEATURES[self.name]
        unit = feature.words.partition("{}")[2].partition(" (")[0]
        return f"{feature.of(self.value)}; tuned on {span}{unit}"


@dataclass(frozen=True)
class Likeness:
    """How a scan compares with those of a calibration.

    Parameters
    ----------
    scans
        How many there are.
    p
        Conformal p-value of all features together.
    strange
        What lies outside the range by more than its tolerance, the strangest first.
    """

    scans: int
    p: float
    strange: tuple[Strange, ...] = ()

    @property
    def unlike(self) -> bool:
        """Whether the lamp lights: only where a feature lies clearly outside of the range, too."""
        return bool(self.strange) and self.p <= max(LEVEL, 1 / (self.scans + 1))

    @property
    def words(self) -> str:
        """One sentence."""
        if not self.unlike:
            return f"Like the {self.scans} that it was tuned on (p = {self.p:.2g})."
        why = " · ".join(s.words for s in self.strange)
        return f"Unlike the {self.scans} that it was tuned on (p = {self.p:.2g}): {why}."


def likeness(features: Mapping[str, float], others: Sequence[Mapping[str, float]]) -> Likeness | None:
    """Compare a scan's features with those of reviewed scans; None where they share no feature or are too few."""
    names = [name for name in FEATURES if name in features and all(name in other for other in others)]
    if len(others) < LEAST_SCANS or not names:
        return None
    table = np.log([[row[name] for name in names] for row in (features, *others)])
    floor = np.log1p([FEATURES[name].tolerance for name in names])
    away = np.array([_away(table, k, floor) for k in range(len(table))])
    strangeness = away.max(axis=1)
    p = float((strangeness >= strangeness[0]).mean())
    order = np.argsort(-away[0], kind="stable")
    outside = [s for k in order if (s := _strange(names[k], np.exp(table[:, k]))) is not None]
    return Likeness(len(others), p, tuple(outside))


def _away(table: np.ndarray, row: int, floor: np.ndarray) -> np.ndarray:
    """(features,) distance of a row from the median of all others, in their robust standard deviations, at least `floor`."""
    others = np.delete(table, row, axis=0)
    middle = np.median(others, axis=0)
    spread = MAD * np.median(np.abs(others - middle), axis=0)
    return np.abs(table[row] - middle) / np.maximum(spread, floor)


def _strange(name: str, values: np.ndarray) -> Strange | None:
    """A feature whose first value lies outside the range of the others by more than its tolerance."""
    value, others = float(values[0]), values[1:]
    ratio = 1 + FEATURES[name].tolerance
    if others.min() / ratio <= value <= others.max() * ratio:
        return None
    above, below = (others >= value).sum(), (others <= value).sum()
    p = min(1.0, 2 * (1 + min(above, below)) / (len(others) + 1))
    return Strange(name, value, float(others.min()), float(others.max()), float(p))
