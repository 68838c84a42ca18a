"""Small folders of nodule cubes in the layout of ``luna16_nodules``."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_lungmtl.training.crossval.out_of_fold_file import write_out_of_fold
from napari_lungmtl.training.findings import ATTRIBUTES
from napari_lungmtl.training.metrics.characterisation.out_of_fold import OutOfFold

SIZE = 50
HEADER = (
    "index",
    "seriesuid",
    "coordX",
    "coordY",
    "coordZ",
    "diameter_mm",
    "readers",
    "originX",
    "originY",
    "originZ",
    "direction_xy",
)


def place(index: int, direction: int) -> tuple[np.ndarray, np.ndarray, tuple[int, int, int]]:
    """World centre (z, y, x), world origin (z, y, x), and the voxel of the centre as stored."""
    voxel = (24, 20 + index % 5, 27)
    origin = np.array([-300.0 + 3 * index, -150.0 + index, 80.0 - 2 * index])
    return origin + np.multiply(voxel, (1, direction, direction)), origin, voxel


def write_cubes(folder: Path, directions: Sequence[int], ratings: np.ndarray | None = None) -> Path:
    """Cubes of lung (-800 HU) with one voxel of 0 HU at the annotated centre; each its own series ``1.2.<index>``.

    Parameters
    ----------
    directions
        `direction_xy` of each cube.
    ratings
        (n, 9) of the one reader; by default they grow with the index.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n = len(directions)
    if ratings is None:
        ratings = 1 + 3 * np.arange(n)[:, None] / max(n - 1, 1) * np.linspace(0.5, 1, 9)
    voxels = np.full((n, SIZE, SIZE, SIZE), (1024 - 800) // 8, np.uint8)
    with (folder / "nodules.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for index, direction in enumerate(directions):
            center, origin, voxel = place(index, direction)
            voxels[(index, *voxel)] = 128
            readers = json.dumps([[float(v) for v in ratings[index]]])
            writer.writerow(
                [index, f"1.2.{index}", *center[::-1], 6 + index % 20, readers, *origin[::-1], direction]
            )
    np.savez_compressed(folder / "cubes.npz", cubes_dz=np.diff(voxels, axis=1, prepend=np.uint8(0)))
    return folder


def write_predictions(path: Path, n: int, *, attributes: bool = True, first: int = 0) -> Path:
    """An ``oof.csv`` for cubes `first` … n-1: malignancy (i + 1) / (n + 1), subtlety 2 + i / n."""
    index = np.arange(first, n)
    table = np.full((len(index), len(ATTRIBUTES)), np.nan)
    if attributes:
        table[:] = 2 + (index[:, None] * np.arange(1, 9)) % n / n
        table[:, 0] = 2 + index / n
    series = np.array([f"1.2.{i}" for i in index])
    rule = np.full(len(index), 3.5)
    write_out_of_fold(
        path,
        OutOfFold(
            index,
            series,
            np.array(["0"] * len(index)),
            np.full(len(index), 8.0),
            {"mean": rule, "median": rule},
            (index + 1) / (n + 1),
            table,
            spread=np.full(len(index), 0.1),
        ),
    )
    return path
