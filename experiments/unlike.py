"""How many places that are no nodule are called so, and how many nodules: all tables of docs/networks/unlike.md.

Run: ``python experiments/unlike.py --places runs/unlike/places.npz --scans ct/whole --judge A,B``. The places are what
``training.crossval.unlike`` measured (out of fold); the scans to judge took part in nothing: bright places of them, and all marks
of 3D-AG with where they lie. Each scan takes minutes for the detector.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from napari_lungmtl.text.votes import UNLIKE_FROM
from napari_lungmtl.training.crossval.nodule_cubes import MIDDLE, nodule_cube
from napari_lungmtl.training.crossval.unlike import Measured, figures, out_of_fold
from napari_lungmtl.training.data.arrays import open_arrays
from napari_lungmtl.training.data.bright_places import of_scan
from napari_lungmtl.training.data.public.whole_scans import WholeScan, load_whole_scans
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.predictor import finish
from napari_lungmtl.training.inference.registry import load_predictor
from napari_lungmtl.training.inference.unlike.head import shipped_head

TRUE, EXCLUDED, FALSE = "known lesion", "excluded", "elsewhere"
SIZES = ((0.0, 6.0), (6.0, 10.0), (10.0, 20.0), (20.0, np.inf))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--places", type=Path, required=True)
    parser.add_argument("--scans", type=Path, required=True)
    parser.add_argument("--judge", default="", help="names of scans, with commas")
    a = parser.parse_args()
    with open_arrays(a.places) as stored:
        places = Measured(**dict(stored))
    for name, value in figures(places, shipped_head()).items():
        print(f"{name}: {value}")
    print_sizes(places)
    for scan in load_whole_scans(a.scans, names=a.judge.split(",")) if a.judge else ():
        judge(scan)


def print_sizes(places: Measured) -> None:
    """Print how many are called unlike a nodule, out of fold, by size."""
    told = out_of_fold(places, shipped_head()) >= UNLIKE_FROM
    print(f"\nunlike a nodule (from {UNLIKE_FROM:g} on), by diameter:")
    for kind in np.unique(places.kind):
        own = [
            (places.kind == kind) & (places.diameter >= low) & (places.diameter < high) for low, high in SIZES
        ]
        cells = (
            f"{low:g}–{high:g} mm {told[o].sum()} of {o.sum()}"
            for (low, high), o in zip(SIZES, own, strict=True)
        )
        print(f"{kind}: {'; '.join(cells)}")


def judge(scan: WholeScan) -> None:
    """Print what is called unlike a nodule on a scan that nothing was trained on."""
    image, rng = read_image(scan.path), np.random.default_rng(0)
    known = np.concatenate([scan.nodules, scan.excluded])
    bright = [told(image, scan, place, size) or 0.0 for place, size in of_scan(image, known, rng)]
    over = sum(p >= UNLIKE_FROM for p in bright)
    print(f"\n{scan.name}: of {len(bright)} bright places {over} are unlike a nodule")
    for finding in finish(load_predictor("ag3d", "cpu").run(image)):
        center, size = np.array(finding.center), finding.diameter
        unlike = told(image, scan, center, size)
        where = ", ".join(f"{c:.0f}" for c in center)
        shown = "too large to tell" if unlike is None else f"{unlike:.2f}"
        print(f"  mark {finding.score:.2f} at {where}, {size:.1f} mm, {kind_of(center, scan)}: {shown}")


def told(image: Image, scan: WholeScan, center: np.ndarray, diameter: float) -> float | None:
    """The probability that a place of a scan is no nodule."""
    cube, _ = nodule_cube(image, tuple(center))
    return shipped_head().unlike(cube, np.full(3, MIDDLE), diameter, scan.series_uid)


def kind_of(center: np.ndarray, scan: WholeScan) -> str:
    """Whether a mark lies on a known lesion, on what counts neither way, or elsewhere."""
    for name, spheres in ((TRUE, scan.nodules), (EXCLUDED, scan.excluded)):
        away = np.linalg.norm(spheres[:, :3] - center, axis=1)
        if len(spheres) and (away < np.maximum(spheres[:, 3] / 2, 4.0)).any():
            return name
    return FALSE


if __name__ == "__main__":
    main()
