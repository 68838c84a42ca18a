"""What the false-positive reduction does on whole scans: other marks a scan and a litre at equal sensitivity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SENSITIVITIES = (0.9, 0.95, 0.98)
"""Fractions of the nodules among the marks at which others are counted."""
JUDGED = 0.95
"""The one that decides whether the reduction runs by default."""


@dataclass(frozen=True, eq=False)
class ScoredMarks:
    """n marks with two scores.

    Parameters
    ----------
    before, after
        (n,) the detector's log odds, and the combined ones.
    group
        (n,) the scan.
    """

    before: np.ndarray
    after: np.ndarray
    group: np.ndarray

    def take(self, chosen: np.ndarray) -> ScoredMarks:
        """Some of them: a mask (n,) or positions."""
        return ScoredMarks(self.before[chosen], self.after[chosen], self.group[chosen])


def others(nodules: np.ndarray, false: np.ndarray, sensitivity: float) -> int:
    """Count the false marks that score at least as high as the lowest of that fraction of the nodules."""
    kept = np.sort(nodules)[::-1][: max(int(np.ceil(sensitivity * len(nodules))), 1)]
    return int((false >= kept[-1]).sum())


def whole_scan_figures(
    nodules: ScoredMarks, false: ScoredMarks, litres: dict[str, float], samples: int = 500
) -> dict[str, Any]:
    """Count false marks of whole scans before and after the reduction, where both keep as many nodules.

    Parameters
    ----------
    nodules
        The best mark on each nodule.
    false
        Marks of whole scans that hit nothing.
    litres
        Lung volume by scan.

    Returns
    -------
    dict
        ``at_sensitivity`` with counts before and after, a scan and a litre; the paired difference of others a scan at `JUDGED`
        with its 95 % interval, nodules' scans and whole scans drawn with replacement; and whether it ``helps``: no sample
        of that interval lies at or above 0.
    """
    scans, volume = len(litres), sum(litres.values())
    table = {}
    for sensitivity in SENSITIVITIES:
        before = others(nodules.before, false.before, sensitivity)
        after = others(nodules.after, false.after, sensitivity)
        table[f"{sensitivity:g}"] = {
            "before": before,
            "after": after,
            "before_per_scan": before / scans,
            "after_per_scan": after / scans,
            "before_per_litre": before / volume,
            "after_per_litre": after / volume,
        }
    difference = paired_difference(nodules, false, sorted(litres), samples)
    return {
        "nodules": len(nodules.before),
        "false_marks": len(false.before),
        "scans": scans,
        "litres": volume,
        "at_sensitivity": table,
        "difference_per_scan": difference,
        "helps": difference["upper"] < 0,
    }


def paired_difference(
    nodules: ScoredMarks, false: ScoredMarks, scans: Sequence[str], samples: int
) -> dict[str, float]:
    """Others a scan after minus before at `JUDGED`, with its 95 % interval: the same draws for both."""

    def change(some: ScoredMarks, wrong: ScoredMarks) -> float:
        counts = [others(a, b, JUDGED) for a, b in ((some.after, wrong.after), (some.before, wrong.before))]
        return (counts[0] - counts[1]) / len(scans)

    rng = np.random.default_rng(0)
    of_nodules = [np.flatnonzero(nodules.group == name) for name in np.unique(nodules.group)]
    of_scans = [np.flatnonzero(false.group == name) for name in scans]
    drawn = []
    for _ in range(samples):
        chosen = [
            np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
            for members in (of_nodules, of_scans)
        ]
        drawn.append(change(nodules.take(chosen[0]), false.take(chosen[1])))
    lower, upper = np.quantile(drawn, [0.025, 0.975])
    return {"value": change(nodules, false), "lower": float(lower), "upper": float(upper)}


def rows(figures: dict[str, Any]) -> list[list[str]]:
    """The table for a person, the heading first."""
    table = [["nodules kept", "others a scan, before", "after", "a litre, before", "after"]]
    for sensitivity, c in figures["at_sensitivity"].items():
        values = (c["before_per_scan"], c["after_per_scan"], c["before_per_litre"], c["after_per_litre"])
        table.append([sensitivity, *(f"{v:.2f}" for v in values)])
    d = figures["difference_per_scan"]
    table.append(
        [f"difference at {JUDGED:g}", f"{d['value']:+.2f} ({d['lower']:+.2f}–{d['upper']:+.2f})", "", "", ""]
    )
    return table
