"""Calibrate the interval of growth on some pairs, and judge it on others: what `pairs.py` wrote.

    python experiments/growth/intervals.py runs/growth/calibration.csv runs/growth/held_out.csv

The half-width of the interval of ln(V2/V1) is FACTOR · sqrt(FLOOR² + s1² + s2²), s1 and s2 the spreads of ln(volume) over the
repeated measurements of either scan. FLOOR is the one with the narrowest mean interval, FACTOR the conformal quantile of the errors
of the calibration pairs: 95 of 100 nodules like them lie within. The table then says of nodules of other patients how often the
interval covers the truth and how often growth is claimed, with the constants that `change.py` holds. Intervals in brackets are
95 % (Wilson).
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.growth.change import FACTOR, FLOOR, GREW, NOT_TOLD_APART, change_of, half_width
from napari_lungmtl.training.growth.repeats import RepeatedVolume

LEVEL = 0.95
FLOORS = (0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3)


@dataclass(frozen=True)
class Measured:
    """A pair of scans, measured: the true growth of the volume, and the diameter (mm) of the prior nodule."""

    kind: str
    factor: float
    slice_mm: float
    diameter: float
    prior: RepeatedVolume
    present: RepeatedVolume
    unlike: RepeatedVolume | None

    @property
    def error(self) -> float:
        """Of ln(V2/V1)."""
        return float(np.log(self.present.volume / self.prior.volume) - np.log(self.factor))


def read(path: Path) -> tuple[list[Measured], int]:
    """The pairs of a file, and how many of them could not be measured."""
    pairs, failed = [], 0
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            prior, present, unlike = (_volume(row[name]) for name in ("prior", "present", "unlike"))
            if prior is None or present is None:
                failed += 1
                continue
            numbers = (float(row[name]) for name in ("factor", "slice_mm", "diameter"))
            pairs.append(Measured(row["kind"], *numbers, prior, present, unlike))
    return pairs, failed


def _volume(text: str) -> RepeatedVolume | None:
    return RepeatedVolume(tuple(map(float, text.split()))) if text else None


def quantile(pairs: Sequence[Measured], floor: float) -> float:
    """The conformal quantile of errors over what the interval would be with a factor of 1."""
    scores = sorted(
        abs(p.error) / half_width(p.prior.log_spread, p.present.log_spread, floor, 1.0) for p in pairs
    )
    rank = int(np.ceil(LEVEL * (len(scores) + 1)))
    return scores[min(rank, len(scores)) - 1]


def calibrate(pairs: Sequence[Measured]) -> tuple[float, float]:
    """Floor and factor of the narrowest intervals that cover."""

    def width(floor: float) -> float:
        factor = quantile(pairs, floor)
        return float(
            np.mean([half_width(p.prior.log_spread, p.present.log_spread, floor, factor) for p in pairs])
        )

    best = min(FLOORS, key=width)
    return best, quantile(pairs, best)


def rate(hits: Sequence[bool]) -> str:
    """A share with its Wilson interval, in %."""
    n, p, z = len(hits), float(np.mean(hits)), 1.96
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return f"{100 * p:.1f} ({100 * max(middle - half, 0):.0f}–{100 * min(middle + half, 1):.0f})"


def tell(title: str, pairs: Sequence[Measured], failed: int) -> Table:
    """What the interval does on pairs, group by group."""
    columns = ("", "pairs", "covers %", "growth claimed %", "any change %", "median interval")
    table = Table(title=f"{title}: {len(pairs)} pairs, {failed} not measured")
    for column in columns:
        table.add_column(column, justify="left" if not column else "right")

    def add(name: str, chosen: Callable[[Measured], bool]) -> None:
        group = [p for p in pairs if chosen(p)]
        if not group:
            return
        changes = [change_of(p.prior, p.present) for p in group]
        covers = [abs(p.error) <= c.half_width for p, c in zip(group, changes, strict=True)]
        width = float(np.median([c.half_width for c in changes]))
        table.add_row(
            *(name, str(len(group)), rate(covers), rate([c.verdict == GREW for c in changes])),
            rate([c.verdict != NOT_TOLD_APART for c in changes]),
            f"÷ or × {np.exp(width):.2f}",
        )

    for kind in ("half a voxel", "other noise", "thicker slices"):
        add(f"no growth, {kind}", lambda p, kind=kind: p.kind == kind)  # type: ignore[misc]
    add("no growth, all", lambda p: p.factor == 1)
    for factor in (1.1, 1.25, 1.5, 2.0):
        add(f"volume × {factor}", lambda p, factor=factor: p.factor == factor)  # type: ignore[misc]
    add("grown, all", lambda p: p.factor > 1)
    for low, high in ((0, 6), (6, 10), (10, 99)):
        add(f"Ø {low}–{high} mm", lambda p, a=low, b=high: a <= p.diameter < b)  # type: ignore[misc]
    return table


def main() -> None:
    """Calibrate, judge, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("calibration", type=Path)
    parser.add_argument("held_out", type=Path)
    options = parser.parse_args()
    console = Console(width=120)
    pairs, failed = read(options.calibration)
    floor, factor = calibrate(pairs)
    console.print(
        f"calibrated here: FLOOR {floor:.2f}, FACTOR {factor:.2f}; change.py holds {FLOOR:.2f} and {FACTOR:.2f}"
    )
    thick = [p for p in pairs if p.unlike is not None and p.slice_mm > 1]
    like = np.mean([abs(p.error) for p in thick])
    own = np.mean(
        [abs(np.log(p.present.volume / p.unlike.volume) - np.log(p.factor)) for p in thick if p.unlike]
    )
    console.print(
        f"slices thicker than the prior's: mean error of ln(V2/V1) {like:.3f} at the same voxels, {own:.3f} as scanned"
    )
    console.print(tell("calibration", pairs, failed))
    console.print(tell("held out", *read(options.held_out)))


if __name__ == "__main__":
    main()
