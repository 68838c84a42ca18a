"""Places in nodule cubes where other nodules can be grafted."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_lungmtl.training.blind.bank import Nodule
from napari_lungmtl.training.blind.scan import OPEN_HU
from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube, to_hu
from napari_lungmtl.training.imaging.image import Image

EDGE = 9
"""Voxels from a cube's faces within which no graft has its middle."""


def as_image(cube: NoduleCube) -> Image:
    """A cube as a CT of its own, its first voxel at the world's origin."""
    return Image(to_hu(cube.voxels), "CT", (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), cube.series)


def places(
    cube: NoduleCube, diameter: float, rng: np.random.Generator, most: int, apart: float
) -> np.ndarray:
    """Up to `most` places (n, 3) in aerated lung of a cube, away from each other and from all that is annotated."""
    hu = gaussian_filter(to_hu(cube.voxels), 1.5)
    index = np.indices(hu.shape)
    free = hu < OPEN_HU
    for z, y, x, d in np.concatenate([cube.truth, cube.excluded]):
        away = np.sqrt(sum((i - c) ** 2 for i, c in zip(index, (z, y, x), strict=True)))
        free &= away > (d + diameter) / 2 + 3
    inner = (slice(EDGE, -EDGE),) * 3
    open_ = np.zeros_like(free)
    open_[inner] = free[inner]
    where = np.argwhere(open_)
    chosen: list[np.ndarray] = []
    for point in where[rng.permutation(len(where))[:400]]:
        if len(chosen) < most and all(np.linalg.norm(point - c) >= apart for c in chosen):
            chosen.append(point.astype(float))
    return np.array(chosen).reshape(-1, 3)


def like(
    nodules: list[Nodule], diameter: float, texture: str, rng: np.random.Generator, most: int = 20
) -> Nodule:
    """One of the nodules of a texture whose diameters are nearest, of any texture where there are few."""
    among = min(most, len(nodules) // 9)  # a small bank has but so many of a size and texture
    kind = [n for n in nodules if n.texture == texture]
    kind = kind if len(kind) >= among else nodules
    away = np.abs(np.log([n.diameter / diameter for n in kind]))
    return kind[int(rng.choice(np.argsort(away)[:among]))]
