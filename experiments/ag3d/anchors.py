"""How many nodules get a positive anchor: by anchor set and IoU+, for the diameters of LUNA16.

    python experiments/ag3d/anchors.py --data ../shared/data/luna16

Each nodule lies at eight random places of the grid. The paper's IoU+ is 0.5, the shipped one 0.35; whatever it is, the nearest
anchor of a nodule is positive in any case (`anchors.assign`), which these counts leave out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from napari_lungmtl.training.data.public.luna16_nodules import spheres_by_series
from napari_lungmtl.training.networks.ag3d.anchors import anchor_grid
from napari_lungmtl.training.networks.ag3d.config import Config
from napari_lungmtl.training.ops.spheres import sphere_iou
from napari_lungmtl.training.report.tables import markdown

SETS = {
    "anchor1": ((4, 6), (8, 12), (16, 24)),
    "anchor1, one scale": ((4, 6, 8, 12, 16, 24), (), ()),
    "anchor2": ((5, 10), (15, 20), (25, 35)),
    "DeepLesion": ((3, 5, 7), (10, 13, 17), (22, 30, 40)),
    "anchor1 and 32": ((4, 6), (8, 12), (16, 24, 32)),
}
THRESHOLDS = (0.5, 0.35)
PLACES = 8


def overlaps(
    diameters: np.ndarray, anchors: tuple[tuple[float, ...], ...], rng: np.random.Generator
) -> torch.Tensor:
    """IoU of each nodule, at a random place of a window of 48, with every anchor: (nodules, anchors)."""
    centers = rng.uniform(16, 32, (len(diameters), 3))
    spheres = torch.from_numpy(np.column_stack([centers, diameters])).float()
    return sphere_iou(spheres, anchor_grid(Config(anchors=anchors), (48, 48, 48))[:, :4])


def main() -> None:
    """What the command line runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with LUNA16's annotations.csv")
    a = parser.parse_args()
    spheres = np.concatenate(list(spheres_by_series(a.data / "annotations.csv").values()))
    diameters = np.repeat(spheres[:, 3], PLACES)
    table = [["anchors", *(f"{what}, IoU+ {t}" for t in THRESHOLDS for what in ("with one", "anchors each"))]]
    for name, anchors in SETS.items():
        rng = np.random.default_rng(0)
        parts = [overlaps(d, anchors, rng) for d in np.array_split(diameters, 40)]
        counts = {t: np.concatenate([(p >= t).sum(1).numpy() for p in parts]) for t in THRESHOLDS}
        cells = [f"{value:.2f}" for c in counts.values() for value in ((c > 0).mean(), c[c > 0].mean())]
        table.append([name, *cells])
    print(f"{len(spheres)} nodules, {PLACES} places each\n\n{markdown(table)}")


if __name__ == "__main__":
    main()
