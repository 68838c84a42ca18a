"""Cubes around a detector's marks and around nodules: what a false-positive reduction is trained on beside nodule cubes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from .arrays import open_arrays

SIDE = 50
"""Voxels of 1 mm along each side of a cube, as in the nodule cubes."""


@dataclass(frozen=True, eq=False)
class MarkCubes:
    """n cubes of 1 mm, each with one place to look at.

    Parameters
    ----------
    voxels
        (n, 50, 50, 50) uint8; HU = 8·v − 1024.
    center
        (n, 3) z, y, x of the place, in voxels of its cube.
    diameter, score
        (n,) mm, and the detector's score 0–1; NaN where no detector was asked.
    nodule
        (n,) 1 a nodule, 0 none.
    series, fold
        (n,) the scan, and the fold whose model never sees it.
    kind
        (n,) ``"mark"`` on a whole scan, ``"pasted"`` nodule in one, or ``"cube"``: a place in a nodule cube.
    slice_mm
        (n,) distance of the slices that were scanned, or that the cube was blurred to.
    litres
        (n,) volume of the lungs of a whole scan, NaN for cubes.
    """

    voxels: np.ndarray
    center: np.ndarray
    diameter: np.ndarray
    score: np.ndarray
    nodule: np.ndarray
    series: np.ndarray
    fold: np.ndarray
    kind: np.ndarray
    slice_mm: np.ndarray
    litres: np.ndarray

    def __len__(self) -> int:
        return len(self.nodule)

    def take(self, chosen: np.ndarray) -> MarkCubes:
        """Some of them: a mask (n,) or positions."""
        return MarkCubes(**{name: value[chosen] for name, value in vars(self).items()})


def joined(parts: Iterable[MarkCubes]) -> MarkCubes:
    """Several as one."""
    parts = list(parts)
    return MarkCubes(
        **{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(MarkCubes)}
    )


def save_mark_cubes(path: Path, cubes: MarkCubes) -> None:
    """Write them for `load_mark_cubes`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **vars(cubes))


def load_mark_cubes(path: Path) -> MarkCubes:
    """Read what `save_mark_cubes` wrote.

    Raises
    ------
    DatasetError
        The file is missing, damaged, or no such archive.
    """
    with open_arrays(path) as archive:
        return MarkCubes(**{f.name: archive[f.name] for f in fields(MarkCubes)})
