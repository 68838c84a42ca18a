"""How much a nodule has grown between two scans, with an interval, and how fast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from ..imaging.image import Image
from .repeats import RepeatedVolume

FLOOR, FACTOR = 0.12, 1.62
"""Half-width of the interval of ln(V2/V1): `FACTOR` times the root of `FLOOR` squared and both squared spreads. Calibrated on
simulated pairs of real nodules (``experiments/growth/intervals.py``): 95 % of them lie within."""
LEAST_GROWTH = 0.25
"""Growth and shrinkage that is claimed at least, as a part of the volume: scans of one nodule on one day differ by up to this much
(BTS guideline 2015, doi 10.1136/thoraxjnl-2015-207168), by breath and position, which no repeated measurement of one scan shows."""
_TIMES = ("acquisition_time", "study_time")
_TIME = re.compile(r"(\d\d)(\d\d)(\d\d(?:\.\d+)?)?")
GREW, SHRANK, NOT_TOLD_APART = "grown", "shrunk", "not told apart"


@dataclass(frozen=True)
class Change:
    """The change of a nodule's volume from the prior scan to the present one.

    Parameters
    ----------
    prior, present
        Volumes in mm³.
    half_width
        Of the 95 % interval of ln(present / prior).

    Examples
    --------
    >>> change = Change(113.0, 268.0, 0.3)
    >>> change.verdict, round(change.doubling_time(90), 1)
    ('grown', 72.2)
    """

    prior: float
    present: float
    half_width: float

    @property
    def log_ratio(self) -> float:
        """ln(present / prior)."""
        return float(np.log(self.present / self.prior))

    @property
    def relative(self) -> float:
        """Change as a part of the prior volume: 0.5 is 50 % more."""
        return self.present / self.prior - 1

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `relative`."""
        low, high = np.expm1([self.log_ratio - self.half_width, self.log_ratio + self.half_width])
        return float(low), float(high)

    @property
    def verdict(self) -> str:
        """`GREW` or `SHRANK` where the interval leaves out no change and it is large enough, else `NOT_TOLD_APART`."""
        if abs(self.log_ratio) <= max(self.half_width, np.log1p(LEAST_GROWTH)):
            return NOT_TOLD_APART
        return GREW if self.log_ratio > 0 else SHRANK

    def doubling_time(self, days: float) -> float | None:
        """Days in which the volume doubles, ln 2 · days / ln(present / prior); None where it has not grown, or days are unknown.

        The formula of Schwartz 1961, as the guidelines have it.
        """
        return _doubling(days, self.log_ratio) if self.verdict == GREW else None

    def doubling_interval(self, days: float) -> tuple[float, float] | None:
        """95 % interval of `doubling_time`: the fastest and the slowest growth within that of the volume."""
        if self.verdict != GREW:
            return None
        fast = _doubling(days, self.log_ratio + self.half_width)
        slow = _doubling(days, self.log_ratio - self.half_width)
        return (fast, slow) if fast is not None and slow is not None else None


def _doubling(days: float, log_ratio: float) -> float | None:
    return float(np.log(2) * days / log_ratio) if days > 0 and log_ratio > 0 else None


def half_width(
    prior_spread: float, present_spread: float, floor: float = FLOOR, factor: float = FACTOR
) -> float:
    """Half-width of the 95 % interval of ln(V2/V1) from the spreads of ln(volume) of two repeated measurements."""
    return float(factor * np.sqrt(floor**2 + prior_spread**2 + present_spread**2))


def change_of(prior: RepeatedVolume, present: RepeatedVolume) -> Change:
    """The change between two repeated measurements of a nodule."""
    return Change(prior.volume, present.volume, half_width(prior.log_spread, present.log_spread))


def study_day(image: Image) -> date | None:
    """The day of an image's study (StudyDate); None where its file has none, or none that is a date."""
    try:
        return datetime.strptime(str(image.metadata.get("study_date") or "").strip(), "%Y%m%d").date()
    except ValueError:
        return None


def clock(image: Image) -> float | None:
    """Seconds of the day at which an image was acquired, or else its study began; None where its file does not say."""
    return next((t for name in _TIMES if (t := _seconds(image.metadata.get(name))) is not None), None)


def earlier_that_day(prior: Image, present: Image) -> bool | None:
    """Tell which of two scans of one day is the earlier, by times of one kind; None where neither is, or their files do not say."""
    for name in _TIMES:
        first, second = (_seconds(image.metadata.get(name)) for image in (prior, present))
        if first is not None and second is not None:
            return None if first == second else first < second
    return None


def _seconds(time: object) -> float | None:
    """Seconds of a DICOM time (``HHMMSS.FFFFFF``, as short as ``HHMM``; with colons in old files)."""
    found = _TIME.match(str(time or "").strip().replace(":", ""))
    if found is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds if hours < 24 and minutes < 60 and seconds < 61 else None


def days_between(prior: Image, present: Image) -> int | None:
    """Days from the prior study to the present one, negative where it is the later; None where a date is unknown."""
    first, second = study_day(prior), study_day(present)
    return (second - first).days if first is not None and second is not None else None
