"""Pairs of scans of one nodule with known growth, measured: what `intervals.py` calibrates on and judges.

    python experiments/growth/pairs.py --data DATA/luna16_nodules --folds 1 2 3 4 --nodules 120 --out runs/growth/calibration.csv
    python experiments/growth/pairs.py --data DATA/luna16_nodules --folds 0 --nodules 120 --out runs/growth/held_out.csv

Of each nodule (real, LUNA16, 1 mm) one prior and seven present scans are made (`follow_up.py`): three without growth, and four
whose nodule's *volume* is 1.1, 1.25, 1.5 and 2 times as large. Each has noise of its own and a mark of its own, which lies beside
the nodule's middle and is too large or small by a tenth of its diameter (standard deviation).
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube, load_cubes, to_hu
from napari_lungmtl.training.data.simulation.follow_up import grow, scan_again
from napari_lungmtl.training.errors import LungmtlError
from napari_lungmtl.training.growth.repeats import (
    RepeatedVolume,
    at_common_spacing,
    measure_repeatedly,
    part_around,
)
from napari_lungmtl.training.imaging.image import Image

LARGEST = 15.0
"""mm: a grown nodule must fit into its cube."""
NOISE = (15.0, 40.0)
"""HU, from standard to low dose."""
FACTORS = (1.1, 1.25, 1.5, 2.0)
MARK = 0.1
SIDE = 50


@dataclass(frozen=True)
class Pair:
    """One pair: what was done to the present scan, and the volumes (mm³, with spaces between) of either; none where it failed.

    `unlike` are those of the prior in its own slices, where the present one's are thicker.
    """

    series: str
    diameter: float
    kind: str
    factor: float
    slice_mm: float
    prior: str
    present: str
    unlike: str


def nodules(folder: Path, folds: Sequence[str], count: int) -> Iterator[tuple[NoduleCube, np.ndarray]]:
    """Cubes with their masks, the same ones at every call; none that is too large."""
    cubes = load_cubes(folder, folds=folds)
    fitting = [c for c in cubes if float(c.row["diameter_mm"]) <= LARGEST]
    with np.load(folder / "cubes.npz") as archive:
        masks = np.unpackbits(archive["masks"], axis=1, count=SIDE**3).reshape(-1, SIDE, SIDE, SIDE)
    for number in np.random.default_rng(0).permutation(len(fitting))[:count]:
        cube = fitting[number]
        mask = masks[int(cube.row["index"])].astype(bool)
        if mask.any():
            yield cube, mask


def pairs_of(cube: NoduleCube, mask: np.ndarray, rng: np.random.Generator) -> Iterator[Pair]:
    """Scan a nodule eight times, and measure it."""
    image = Image(to_hu(cube.voxels), "CT", (1.0, 1.0, 1.0))
    places = np.argwhere(mask)
    middle = places.mean(axis=0)
    radius = float(np.linalg.norm(places - middle, axis=1).max()) + 1.0
    diameter = float(cube.row["diameter_mm"])
    first, noise = rng.uniform(-0.5, 0.5, 3), rng.uniform(*NOISE)
    prior = scan_again(image, first, 1.0, noise, rng)
    prior_mark = _mark(middle, diameter, rng)
    known: dict[float, RepeatedVolume | None] = {}
    thick = float(rng.choice([2.0, 2.5]))
    plans = [
        ("half a voxel", 1.0, first + 0.5, 1.0, noise),
        ("other noise", 1.0, first, 1.0, 2 * noise),
        ("thicker slices", 1.0, rng.uniform(-0.5, 0.5, 3), thick, rng.uniform(*NOISE)),
        *(
            ("grown", f, rng.uniform(-0.5, 0.5, 3), float(rng.choice([1.0, 1.0, thick])), rng.uniform(*NOISE))
            for f in FACTORS
        ),
    ]
    for kind, factor, shift, slice_mm, level in plans:
        present = scan_again(grow(image, middle, radius, factor), shift, slice_mm, level, rng)
        mark = _mark(middle, diameter * np.cbrt(factor), rng)
        like, present = at_common_spacing(prior, present)
        if slice_mm not in known:
            known[slice_mm] = _measured(like, *prior_mark)
        if 1.0 not in known:
            known[1.0] = _measured(prior, *prior_mark)
        before, now, unlike = known[slice_mm], _measured(present, *mark), known[1.0]
        measured = map(_written, (before, now, unlike))
        yield Pair(cube.series, diameter, kind, factor, slice_mm, *measured)


def _mark(middle: np.ndarray, diameter: float, rng: np.random.Generator) -> tuple[list[float], float]:
    place = middle + rng.normal(0, MARK * diameter / np.sqrt(3), 3)
    return place.tolist(), diameter * float(np.exp(rng.normal(0, MARK)))


def _measured(image: Image, center: Sequence[float], diameter: float) -> RepeatedVolume | None:
    try:
        return measure_repeatedly(part_around(image, center, diameter), center, diameter)
    except LungmtlError:
        return None


def _written(volume: RepeatedVolume | None) -> str:
    return " ".join(f"{v:.2f}" for v in volume.volumes) if volume is not None else ""


def main() -> None:
    """Make, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", nargs="+", required=True)
    parser.add_argument("--nodules", type=int, default=120)
    parser.add_argument("--skip", type=int, default=0, help="nodules that another run has made")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Pair)])
        writer.writeheader()
        for number, (cube, mask) in enumerate(nodules(options.data, options.folds, options.nodules)):
            if number < options.skip:
                continue
            for pair in pairs_of(cube, mask, np.random.default_rng(number)):
                writer.writerow(asdict(pair))
            file.flush()


if __name__ == "__main__":
    main()
