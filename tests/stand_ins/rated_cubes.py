"""Generated nodule cubes with ratings, in the layout of ``luna16_nodules``: malignant ones are large, benign ones small."""

from __future__ import annotations

import csv
import json

import numpy as np

READERS = {1: [5, 1, 6, 3, 2, 4, 4, 5, 5], 0: [2, 1, 6, 5, 5, 1, 1, 4, 1], -1: [3, 1, 6, 4, 4, 2, 2, 5, 3]}
"""Ratings by label: eight attributes, then malignancy."""


def write_rated_cubes(folder, n=20, direction=1, seed=0, masks=False):
    """Write `n` cubes, two of each scan, scans dealt to five folds; with the nodules' masks if asked for."""
    rng = np.random.default_rng(seed)
    grid = np.indices((50, 50, 50))
    voxels = rng.integers(10, 40, (n, 50, 50, 50)).astype(np.uint8)
    rows, folds, inside = [], {}, np.zeros(voxels.shape, bool)
    for i in range(n):
        label = (1, 0, -1)[i % 7 % 3]
        diameter = {1: 16.0, 0: 5.0, -1: 9.0}[label] * rng.uniform(0.9, 1.1)
        center = 24.5 + rng.uniform(-0.5, 0.5, 3)
        inside[i] = np.linalg.norm(grid - center[:, None, None, None], axis=0) < diameter / 2
        voxels[i, inside[i]] = 132
        origin = rng.uniform(-300, 300, 3)
        world = origin + center * (1, direction, direction)
        series = f"1.2.{i // 2}"
        folds[series] = i // 2 % 5
        rows.append(
            {
                "index": i,
                "seriesuid": series,
                **{f"coord{a}": v for a, v in zip("ZYX", world, strict=True)},
                "diameter_mm": diameter,
                **{f"origin{a}": v for a, v in zip("ZYX", origin, strict=True)},
                "direction_xy": direction,
                "readers": json.dumps([READERS[label]] * 3),
            }
        )
    dz = np.diff(voxels.astype(np.int16), axis=1, prepend=0).astype(np.uint8)
    packed = {"masks": np.packbits(inside.reshape(n, -1), axis=1)} if masks else {}
    np.savez_compressed(folder / "cubes.npz", cubes_dz=dz, **packed)
    with (folder / "nodules.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    lines = [f"{series},{fold}" for series, fold in folds.items()]
    (folder / "folds.csv").write_text("seriesuid,fold\n" + "\n".join(lines) + "\n")
    return folder
