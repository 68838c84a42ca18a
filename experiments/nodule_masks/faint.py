"""Phantoms of faint nodules: how much of them the nodule masks draw, and what interval stands beside it.

python experiments/nodule_masks/faint.py

Balls in lung of -860 HU with noise of 25 HU, and a core of 0 HU in some of them.
"""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.findings import Sphere
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.registry import load_predictor

LUNG, NOISE, SPACING, SIZE = -860.0, 25.0, (1.0, 0.7, 0.7), 70.0
MIDDLE = (35.0, 35.0, 35.0)
BALLS = tuple((diameter, hu, 0.0) for diameter in (3.0, 6.0, 12.0) for hu in (-810.0, -790.0, -760.0, -700.0))
IN_HALOS = tuple((25.0, hu, 10.0) for hu in (-800.0, -760.0, -740.0, -720.0, -700.0, -650.0))


def phantom(diameter: float, hu: float, core: float) -> Image:
    """A ball of some HU in lung, with a solid core of some mm."""
    axes = [np.arange(int(SIZE / step)) * step for step in SPACING]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    away = np.linalg.norm(grid - np.array(MIDDLE), axis=-1)
    voxels = np.full(away.shape, LUNG)
    for size, value in ((diameter, hu), (core, 0.0)):
        inside = 1 / (1 + np.exp((away - size / 2) / 0.4)) if size else 0.0
        voxels = voxels * (1 - inside) + value * inside
    voxels += np.random.default_rng(0).normal(0, NOISE, voxels.shape)
    return Image(voxels.astype(np.int16), "CT", SPACING, (0.0, 0.0, 0.0))


def main() -> None:
    """Print the table."""
    outliner = load_predictor("nodule_masks", "cpu")
    table = Table("mm", "HU over lung", "core, mm", "ball, mm³", "drawn, mm³", "interval")
    for diameter, hu, core in (*BALLS, *IN_HALOS):
        image = phantom(diameter, hu, core)
        found = outliner.outline(image, Sphere(MIDDLE, diameter))
        drawn, interval = "nothing", ""
        if found is not None:
            drawn = f"{found.mask.to_array().sum() * np.prod(image.scale):.0f}"
            interval = f"{found.low:.0f}–{found.high:.0f}"
        ball = f"{np.pi / 6 * diameter**3:.0f}"
        table.add_row(f"{diameter:g}", f"{hu - LUNG:.0f}", f"{core:g}", ball, drawn, interval)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
