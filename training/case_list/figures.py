"""How hard a case was, in figures by which cases are sorted; what nobody can know of a case is None, never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ..metrics.froc.matching import Matching


@dataclass(frozen=True)
class CaseFigures:
    """One case.

    Parameters
    ----------
    missed
        True nodules that no mark hits at the threshold.
    highest_false_alarm
        The highest score 0–1 of a mark that lies on nothing, shown or not; None also where nodules may be unknown, and where
        there is no such mark.
    disagreement
        The largest difference 0–1 of what two networks (or two sets, or else the folds of one network) say of one place.
    distance_mm
        From a true nodule's centre to that of the nearest mark at the threshold, of the nodule that it is largest for.
    spread
        The largest standard deviation 0–1 that a finding carries, over folds, slices or views.

    Examples
    --------
    >>> CaseFigures(missed=1).known
    {'missed': 1}
    """

    missed: int | None = None
    highest_false_alarm: float | None = None
    disagreement: float | None = None
    distance_mm: float | None = None
    spread: float | None = None

    @property
    def known(self) -> dict[str, float]:
        """The figures that there are, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> CaseFigures:
        """Take the figures among values by name, None where there is none."""
        read: dict[str, Any] = {name: _number(values.get(name)) for name in NAMES}
        missed = read["missed"]
        return cls(**{**read, "missed": None if missed is None else int(missed)})


def _number(value: object) -> float | None:
    """A finite number, from a text as well; of anything else None."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


NAMES = tuple(f.name for f in fields(CaseFigures))
TITLES = {
    "missed": "missed",
    "highest_false_alarm": "false alarm",
    "disagreement": "disagreement",
    "distance_mm": "distance",
    "spread": "spread",
}
"""What a person reads, in a list of orders."""


def hardness(figures: CaseFigures) -> tuple[float, ...]:
    """Make the key by which the hardest case has the highest value: missed nodules, then false alarm, then distance."""
    values = (figures.missed, figures.highest_false_alarm, figures.distance_mm)
    return tuple(-1.0 if value is None else float(value) for value in values)


@dataclass(frozen=True)
class TruthFigures:
    """What marks beside a truth say of a case, and the place to look at first: index of a nodule, or of a mark (else None)."""

    missed: int
    highest_false_alarm: float | None
    distance_mm: float | None
    nodule: int | None = None
    mark: int | None = None


def beside_truth(
    matching: Matching, distance_mm: np.ndarray | None, shown: np.ndarray, *, complete: bool = True
) -> TruthFigures:
    """Read the figures off a matching by the official rule.

    Parameters
    ----------
    matching
        Of all marks, also those that the threshold hides.
    distance_mm
        (marks, nodules) of their centres; None where pixels have no known size.
    shown
        (marks,) which of them the threshold shows.
    complete
        Whether every nodule is known; else no mark can be called a false alarm.

    Returns
    -------
    TruthFigures
        The place to look at is the missed nodule that is farthest from any mark, or else the highest false alarm that is shown, or
        else the nodule whose mark is farthest off.
    """
    hit = np.isin(np.arange(len(matching.nodule_mark)), matching.hit[shown])
    hit[matching.found] |= shown[matching.nodule_mark[matching.found]]
    false = np.flatnonzero(matching.false_positive) if complete else np.zeros(0, int)
    worst = int(false[matching.score[false].argmax()]) if len(false) else None
    nearest = np.full(len(hit), np.nan)
    if distance_mm is not None and len(hit) and shown.any():
        nearest = distance_mm[shown].min(0)
    far = np.where(np.isnan(nearest), np.inf, nearest)
    nodule, mark = None, None
    if not hit.all():
        nodule = int(np.where(hit, -1.0, far).argmax())
    elif worst is not None and shown[worst]:
        mark = worst
    elif len(hit):
        nodule = int(np.where(np.isnan(nearest), 0.0, nearest).argmax())
    elif worst is not None:
        mark = worst
    return TruthFigures(
        int((~hit).sum()),
        None if worst is None else float(matching.score[worst]),
        None if not len(nearest) or np.isnan(nearest).all() else float(np.nanmax(nearest)),
        nodule,
        mark,
    )
