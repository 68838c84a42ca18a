"""Hard negatives of whole scans: what a detector wrongly marks there, written for `thorax` to draw training windows from.

``python -m napari_lungmtl.training.networks.ag3d.mining --data ct/whole --scans QIN-LSC-0009,R_168 --out runs/thoraxes`` mines
with the shipped weights. Run it again with ``--weights`` of what was trained since: new marks join the old ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...data.public.luna16_nodules import to_bytes
from ...data.public.whole_scans import WholeScan, load_whole_scans
from ...findings import Findings
from ...imaging import read_image
from ...imaging.ct.lung_field import lung_field
from ...imaging.image import Image
from ...inference.predictor import Predictor, finish
from ...inference.registry import load_predictor
from .predictor import prepare
from .thorax import Thorax, load_thorax, save_thorax

RIM_MM = 8.0
"""Around a known lesion nothing is a negative: tumours are no spheres."""
SAME_MM = 3.0
"""Marks nearer than this are one mark, found again."""


def mine(scans: Iterable[WholeScan], predictor: Predictor, out: Path) -> None:
    """Write a `Thorax` for each scan, or add to the marks of the one that is there.

    Parameters
    ----------
    scans
        Their `excluded` spheres are left out as lesions are: places that nobody can answer for.
    """
    out.mkdir(parents=True, exist_ok=True)
    for scan in scans:
        image = read_image(scan.path)
        volume, lungs = prepare(image, lung_field(image))
        path = out / f"{scan.name}.npz"
        earlier = load_thorax(path) if path.exists() else None
        save_thorax(
            path, thorax_of(scan, volume, lungs, finish(predictor.run(image)), image.scale[0], earlier)
        )


def thorax_of(
    scan: WholeScan,
    volume: Image,
    lungs: np.ndarray,
    findings: Findings,
    slice_mm: float,
    earlier: Thorax | None = None,
) -> Thorax:
    """A scan at 1 mm with the false ones of a detector's findings and of those made earlier, in voxel indices."""
    truth, excluded = (_to_index(spheres, volume) for spheres in (scan.nodules, scan.excluded))
    around = truth + np.array([0, 0, 0, 2 * RIM_MM])
    ignore = np.concatenate([excluded, around])
    items = findings.items
    spheres = np.array([(*f.geometry.center, f.geometry.diameter) for f in items], float).reshape(-1, 4)
    # The mean of the two branches: calibrated scores are nearly all 1 or 0.
    scores = np.array([np.mean(list(f.scores.values()) or [f.score]) for f in items], float)
    marks = _to_index(spheres, volume)
    if earlier is not None:
        again = _near(earlier.marks, marks, SAME_MM)
        marks = np.concatenate([marks, earlier.marks[~again]])
        scores = np.concatenate([scores, earlier.scores[~again]])
    free = ~_near(marks, ignore, ignore[:, 3] / 2 + SAME_MM)
    return Thorax(to_bytes(volume.voxels), lungs, truth, ignore, marks[free], scores[free], slice_mm)


def _to_index(spheres: np.ndarray, volume: Image) -> np.ndarray:
    return np.column_stack([volume.to_index(spheres[:, :3]), spheres[:, 3]])


def _near(spheres: np.ndarray, others: np.ndarray, within: np.ndarray | float) -> np.ndarray:
    """(n,) whether a sphere's centre lies nearer than `within` to the centre of one of the others."""
    distance = np.linalg.norm(spheres[:, None, :3] - others[None, :, :3], axis=2)
    return (distance < within).any(1)


def main() -> None:
    """What ``python -m`` runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of whole scans")
    parser.add_argument("--scans", required=True, help="names of the scans to train on, with commas")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", type=Path, help="a weights' file instead of the shipped one")
    parser.add_argument(
        "--excluded", type=Path, help="LUNA16's annotations_excluded.csv, or one's own of doubtful places"
    )
    parser.add_argument("--device", default="auto")
    a = parser.parse_args()
    scans = load_whole_scans(a.data, names=a.scans.split(","), excluded=a.excluded)
    mine(scans, load_predictor("ag3d", a.device, a.weights), a.out)


if __name__ == "__main__":
    main()
