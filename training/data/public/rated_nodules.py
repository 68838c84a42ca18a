"""Nodules with readers' ratings as arrays: what the characterising networks are trained and measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...findings.formats.tables import read_rows
from ..errors import DatasetError
from .lidc_ratings import Ratings, read_ratings
from .luna16_nodules import load_cubes

NEVER = "never"
"""The fold of scans that nothing may be trained on."""


@dataclass(frozen=True, eq=False)
class RatedNodules:
    """n nodules in 50 mm cubes (``cubes.npz``, ``nodules.csv``; see `luna16_nodules`).

    Parameters
    ----------
    voxels
        (n, 50, 50, 50) uint8, 1 mm, z, y, x; HU = 8·v − 1024.
    center
        (n, 3) z, y, x of the nodule in voxel indices of its cube.
    diameter
        (n,) mm.
    series, fold, index
        (n,) series identifier, fold (``""`` where the folder has no ``folds.csv``), row of ``nodules.csv``.
    world
        (n, 3) z, y, x in LPS mm.
    direction
        (n, 3) 1, or −1 where an axis of the cube runs against the world's.
    ratings
        Of each nodule.
    """

    voxels: np.ndarray
    center: np.ndarray
    diameter: np.ndarray
    series: np.ndarray
    fold: np.ndarray
    index: np.ndarray
    world: np.ndarray
    direction: np.ndarray
    ratings: tuple[Ratings, ...]

    def __len__(self) -> int:
        return len(self.diameter)

    @property
    def readers(self) -> list[np.ndarray]:
        """Of each nodule (readers, 9) what they wrote, see `Ratings`."""
        return [r.values for r in self.ratings]

    @property
    def attributes(self) -> np.ndarray:
        """Average the readers of each nodule: (n, 8), LIDC scales."""
        return np.stack([r.attributes for r in self.ratings])

    def malignancy(self, rule: str) -> np.ndarray:
        """Combine the malignancy of each nodule: (n,) 1–5, by the readers' ``"mean"`` or ``"median"``."""
        return np.array([r.malignancy(rule) for r in self.ratings])

    def label(self, rule: str) -> np.ndarray:
        """Label each nodule: (n,) 1 malignant, 0 benign, −1 neither."""
        return np.array([r.label(rule) for r in self.ratings])

    def take(self, chosen: np.ndarray) -> RatedNodules:
        """Select some of the nodules: a mask (n,) or positions."""
        positions = np.arange(len(self))[chosen]
        arrays = {k: v[positions] for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        return RatedNodules(**arrays, ratings=tuple(self.ratings[i] for i in positions))


def load_rated_nodules(folder: Path | str) -> RatedNodules:
    """Read all nodules of a folder with ``cubes.npz`` and ``nodules.csv``.

    Raises
    ------
    DatasetError
        A file is missing or damaged, the folder is empty, or a row has no ratings.
    """
    cubes = load_cubes(folder)
    if not cubes:
        raise DatasetError(f"{folder} holds no nodule.")
    ratings = []
    for cube in cubes:
        try:
            ratings.append(read_ratings(cube.row))
        except ValueError as error:
            raise DatasetError(f"{Path(folder) / 'nodules.csv'}: {error}") from error

    def column(name: str) -> np.ndarray:
        return np.array([float(c.row[name]) for c in cubes])

    flip = column("direction_xy")
    world = np.stack([column("coordZ"), column("coordY"), column("coordX")], 1)
    origin = np.stack([column("originZ"), column("originY"), column("originX")], 1)
    direction = np.stack([np.ones(len(cubes)), flip, flip], 1)
    return RatedNodules(
        voxels=np.stack([c.voxels for c in cubes]),
        center=(world - origin) * direction,
        diameter=column("diameter_mm"),
        series=np.array([c.series for c in cubes]),
        fold=np.array([c.fold for c in cubes]),
        index=np.array([int(c.row.get("index") or i) for i, c in enumerate(cubes)]),
        world=world,
        direction=direction,
        ratings=tuple(ratings),
    )


def readers_by_index(folder: Path | str) -> dict[int, np.ndarray]:
    """Read what the readers of each nodule wrote, (readers, 9) by row of ``nodules.csv``, without its cubes.

    Raises
    ------
    DatasetError, FindingsFileError
        The table is missing or damaged, or a row has no ratings.
    """
    table = Path(folder) / "nodules.csv"
    found = {}
    for place, (_, row) in enumerate(read_rows(table, ("readers",), ("index",))):
        try:
            found[int(row.get("index") or place)] = read_ratings(row).values
        except ValueError as error:
            raise DatasetError(f"{table}: {error}") from error
    return found
