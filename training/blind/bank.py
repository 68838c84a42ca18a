"""Nodules that can be grafted, by size and texture: cut out of real scans of LUNA16, or made by this project; and their file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

from ..data.arrays import open_arrays
from ..data.errors import DatasetError
from ..data.public.luna16_nodules import NoduleCube, to_bytes, to_hu
from ..findings.formats.atomic import write_atomically

SIZES = {"3–6 mm": (3.0, 6.0), "6–10 mm": (6.0, 10.0), "10–20 mm": (10.0, 20.0)}
"""Classes of diameter, from and below."""
TEXTURES = ("solid", "part-solid", "ground glass")
"""Classes of the readers' mean texture (1 ground glass … 5 solid): from 4.5, from 2.5, below."""
MARGIN = 4
"""Voxels of surroundings that are kept around a nodule's mask."""
REACH = 3
"""Voxels beyond its mask that a graft can bring along; further away its own lung is a plain level."""
TISSUE_HU = 40.0
"""What solid tissue has; a voxel between lung and this is partly filled with it."""
LUNG_HU = -500.0
"""A voxel of a nodule's surroundings below this is lung."""
FEW = 30
"""With fewer voxels of lung around it nobody can say what lung a nodule lies in."""
ATTACHED = 0.35
"""A nodule with more than this share of tissue in its shell hangs on vessels or the chest wall, which a cut would sever."""


@dataclass(frozen=True, eq=False)
class Nodule:
    """A nodule cut out of its scan at 1 mm.

    Parameters
    ----------
    voxels
        (z, y, x) uint8; HU = 8·v − 1024.
    mask
        bool, of the same shape.
    diameter
        mm: LUNA16's, or of the ball of equal volume where it was made.
    texture
        One of `TEXTURES`.
    series
        The scan that it comes from, or the name of one that was made.
    lung
        HU of the lung beside it.
    noise
        Standard deviation in HU of the noise there.
    """

    voxels: np.ndarray
    mask: np.ndarray
    diameter: float
    texture: str
    series: str
    lung: float
    noise: float

    @property
    def size(self) -> str:
        """Its class of `SIZES`; empty where it is in none."""
        return next((name for name, (low, high) in SIZES.items() if low <= self.diameter < high), "")

    @cached_property
    def filled(self) -> np.ndarray:
        """Fraction of each voxel that its tissue fills (float32): 0 for its lung, 1 for `TISSUE_HU`, more for lime."""
        return (to_hu(self.voxels) - self.lung) / (TISSUE_HU - self.lung)

    @cached_property
    def center(self) -> np.ndarray:
        """(3,) voxel index of the mask's centroid."""
        return np.argwhere(self.mask).mean(0)


def texture_of(rating: float) -> str:
    """The class of `TEXTURES` of the readers' mean rating, 1–5."""
    return TEXTURES[0 if rating >= 4.5 else 1 if rating >= 2.5 else 2]


def noise_of(hu: np.ndarray, where: np.ndarray) -> float:
    """Standard deviation (HU) of what is finer than 1 voxel in a part of a volume at 1 mm, by its median absolute value."""
    fine = hu - gaussian_filter(hu, 1.0)
    return 1.4826 * float(np.median(np.abs(fine[where]))) if where.any() else 0.0


def cut(cube: NoduleCube, mask: np.ndarray) -> Nodule | None:
    """Cut the nodule in the middle of a cube out; None where it has no mask, or too little lung or too much tissue around it.

    Parameters
    ----------
    mask
        bool, of the cube's shape.
    """
    if not mask.any():
        return None
    hu = to_hu(cube.voxels)
    beside = binary_dilation(mask, iterations=6) & ~binary_dilation(mask, iterations=2)
    shell = binary_dilation(mask, iterations=2) & ~binary_dilation(mask)
    lung = beside & (hu < LUNG_HU)
    if lung.sum() < FEW or (hu[shell] > LUNG_HU).mean() > ATTACHED:
        return None
    where = np.argwhere(mask)
    low = np.maximum(where.min(0) - MARGIN, 0)
    high = np.minimum(where.max(0) + 1 + MARGIN, mask.shape)
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    row = cube.row
    level = float(np.median(hu[lung]))
    near = binary_dilation(mask, iterations=REACH)
    return Nodule(
        np.where(near, cube.voxels, to_bytes(np.array(level)))[part],
        mask[part],
        float(row["diameter_mm"]),
        texture_of(float(row.get("texture") or 5.0)),
        cube.series,
        level,
        noise_of(hu, lung),
    )


def save_bank(path: Path, nodules: Sequence[Nodule]) -> None:
    """Write nodules for `load_bank`, whole or not at all: numbers and text only.

    Raises
    ------
    SaveError
        The file cannot be written.
    """
    file = io.BytesIO()
    np.savez_compressed(
        file,
        voxels=np.concatenate([n.voxels.ravel() for n in nodules]),
        masks=np.packbits(np.concatenate([n.mask.ravel() for n in nodules])),
        shapes=np.array([n.mask.shape for n in nodules], np.int16),
        diameter_mm=np.array([n.diameter for n in nodules], np.float32),
        texture=np.array([n.texture for n in nodules]),
        series=np.array([n.series for n in nodules]),
        lung=np.array([n.lung for n in nodules], np.float32),
        noise=np.array([n.noise for n in nodules], np.float32),
    )
    write_atomically(path, file.getvalue())


def load_bank(path: Path) -> tuple[Nodule, ...]:
    """Read nodules that `save_bank` wrote.

    Raises
    ------
    DatasetError
        The file is missing, damaged or empty.
    """
    with open_arrays(path) as f:
        shapes = f["shapes"].astype(int)
        ends = np.cumsum(np.concatenate([[0], shapes.prod(1)]))
        voxels, masks = f["voxels"], np.unpackbits(f["masks"], count=int(ends[-1])).astype(bool)
        columns = [f[name] for name in ("diameter_mm", "texture", "series", "lung", "noise")]
        nodules = []
        for i, (shape, values) in enumerate(zip(map(tuple, shapes), zip(*columns, strict=True), strict=True)):
            part = slice(ends[i], ends[i + 1])
            diameter, texture, series, lung, noise = values
            nodules.append(
                Nodule(
                    voxels[part].reshape(shape),
                    masks[part].reshape(shape),
                    float(diameter),
                    str(texture),
                    str(series),
                    float(lung),
                    float(noise),
                )
            )
        if not all(map(_is_whole, nodules)) or not nodules:
            raise ValueError("these are no nodules")
    return tuple(nodules)


def _is_whole(nodule: Nodule) -> bool:
    """Whether a nodule that was read can be grafted."""
    numbers = np.array([nodule.diameter, nodule.lung, nodule.noise])
    sensible = (
        np.isfinite(numbers).all() and nodule.diameter > 0 and nodule.lung < LUNG_HU and nodule.noise >= 0
    )
    return bool(
        sensible and nodule.voxels.dtype == np.uint8 and nodule.mask.any() and nodule.texture in TEXTURES
    )


def of_kind(nodules: Sequence[Nodule], size: str, texture: str = "", series: str = "") -> tuple[Nodule, ...]:
    """Those of a class of size and of texture (``""`` for any) that do not come from a series: nobody grafts a scan into itself.

    Raises
    ------
    DatasetError
        There is none.
    """
    chosen = tuple(n for n in nodules if n.size == size and texture in ("", n.texture) and n.series != series)
    if not chosen:
        raise DatasetError(
            f"There is no {texture} nodule of {size} among those at hand: choose another kind."
        )
    return chosen
