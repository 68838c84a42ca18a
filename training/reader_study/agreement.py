"""Agreement of two readers under one condition: on cases, on marks, on diameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import cohen_kappa_score

from ..comparison.differences import differences
from ..findings.finding import Findings
from ..metrics.intervals.bootstrap import finite
from .figures import Condition
from .readings import Reading, Stand

POSITIVE = 0.5
"""Rating from which on a reader calls a case positive."""


@dataclass(frozen=True)
class BlandAltman:
    """Differences of two measurements of the same things (Bland & Altman 1986, doi:10.1016/S0140-6736(86)90837-8).

    Parameters
    ----------
    pairs
        How many were measured by both.
    bias, sd
        Mean and standard deviation of first less second.
    lower, upper
        Limits of agreement: bias ∓ 1.96 sd.
    """

    pairs: int
    bias: float
    sd: float
    lower: float
    upper: float

    def to_json(self) -> dict[str, Any]:
        """Convert for JSON; NaN becomes None."""
        return {"pairs": self.pairs} | {k: finite(getattr(self, k)) for k in ("bias", "sd", "lower", "upper")}


def bland_altman(first: npt.ArrayLike, second: npt.ArrayLike) -> BlandAltman:
    """Compute bias and limits of agreement of paired measurements (n,); NaN where there are too few."""
    difference = np.asarray(first, float) - np.asarray(second, float)
    n = len(difference)
    bias = float(difference.mean()) if n else np.nan
    sd = float(difference.std(ddof=1)) if n > 1 else np.nan
    return BlandAltman(n, bias, sd, bias - 1.96 * sd, bias + 1.96 * sd)


def cohens_kappa(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Compute Cohen's kappa of two readers' calls (n,); NaN where both call all cases the same, and chance leaves no room."""
    a, b = np.asarray(first, bool), np.asarray(second, bool)
    if not len(a) or len(np.unique(np.concatenate([a, b]))) < 2:
        return np.nan
    return float(cohen_kappa_score(a, b))


@dataclass(frozen=True)
class Agreement:
    """How far two readers agree under one condition.

    Parameters
    ----------
    kappa, same_calls
        Of cases called positive (rating ≥ 0.5): Cohen's kappa, and the fraction of cases on which both say the same.
    both, only_first, only_second
        Marks: matched pairs, as two sets of findings are compared in the window, and those of one reader alone.
    diameters
        Of the matched marks, in mm (pixels without spacing).
    """

    first: str
    second: str
    condition: Condition
    cases: int
    kappa: float
    same_calls: float
    both: int
    only_first: int
    only_second: int
    diameters: BlandAltman

    @property
    def positive_agreement(self) -> float:
        """Twice the common marks among all marks of both; NaN where neither marked anything."""
        marks = 2 * self.both + self.only_first + self.only_second
        return 2 * self.both / marks if marks else np.nan

    def to_json(self) -> dict[str, Any]:
        """Convert for JSON; NaN becomes None."""
        return {
            "readers": [self.first, self.second],
            "condition": str(self.condition),
            "cases": self.cases,
            "kappa": finite(self.kappa),
            "same_calls": finite(self.same_calls),
            "marks_of_both": self.both,
            "marks_only_first": self.only_first,
            "marks_only_second": self.only_second,
            "positive_agreement": finite(self.positive_agreement),
            "diameters": self.diameters.to_json(),
        }


def stands(readings: Sequence[Reading]) -> dict[Condition, dict[str, dict[str, Stand]]]:
    """Sort finished readings by condition, reader and case; none needs a truth."""
    found: dict[Condition, dict[str, dict[str, Stand]]] = {}
    for reading in readings:
        if reading.after is None:
            continue
        name = {"aided": Condition.AIDED, "unaided": Condition.UNAIDED}.get(reading.mode, Condition.AFTER)
        here = {name: reading.after}
        if reading.before is not None:
            here[Condition.BEFORE] = reading.before
        for condition, stand in here.items():
            found.setdefault(condition, {}).setdefault(reading.reader, {})[reading.case] = stand
    return found


def agreements(readings: Sequence[Reading]) -> list[Agreement]:
    """Compare each two readers on the cases that both have finished under a condition."""
    found = []
    table = stands(readings)
    for condition in Condition:
        for first, second in combinations(sorted(table.get(condition, {})), 2):
            one, two = table[condition][first], table[condition][second]
            cases = sorted(one.keys() & two.keys())
            if cases:
                found.append(_agreement(first, second, condition, cases, one, two))
    return found


def _agreement(
    first: str,
    second: str,
    condition: Condition,
    cases: Sequence[str],
    one: Mapping[str, Stand],
    two: Mapping[str, Stand],
) -> Agreement:
    calls = np.array([[stand[case].rating >= POSITIVE for case in cases] for stand in (one, two)])
    pairs = [d for case in cases for d in differences(Findings(one[case].marks), Findings(two[case].marks))]
    common = [(d.a, d.b) for d in pairs if d.a is not None and d.b is not None]
    return Agreement(
        first,
        second,
        condition,
        len(cases),
        cohens_kappa(*calls),
        float(np.mean(calls[0] == calls[1])),
        len(common),
        sum(d.b is None for d in pairs),
        sum(d.a is None for d in pairs),
        bland_altman([a.diameter for a, _ in common], [b.diameter for _, b in common]),
    )
