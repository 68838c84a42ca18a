"""Nodules made by this project: its generator's, each alone in plain lung, as those that are cut out of scans."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_dilation

from ..data.phantoms.grid import Grid
from ..data.phantoms.make_training import draw_nodule
from ..data.phantoms.nodules import draw_shape, mixture, reach, signed_distance
from ..data.phantoms.scanner import blur
from ..data.phantoms.spec import Scanner, Texture
from ..data.public.luna16_nodules import to_bytes
from .bank import MARGIN, REACH, SIZES, TEXTURES, Nodule

EACH = 6
"""Nodules of each size and texture."""
LUNG = -848.0
"""HU of the plain lung around them: a level that bytes hold."""
FINER = 2
"""Parts of a millimetre in which a nodule is drawn along each axis, before the scanner."""
_GROWN: dict[str, Texture] = {"solid": "solid", "part-solid": "part-solid", "ground glass": "ground-glass"}


def make_nodule(size: str, texture: str, number: int, seed: int = 0) -> Nodule:
    """Make one nodule of a class, always the same: voxels (z, y, x) at 1 mm, without noise.

    Parameters
    ----------
    size, texture
        Of `SIZES` and `TEXTURES`.
    number
        0 to `EACH` − 1: the first are the smallest of the class.
    """
    rng = np.random.default_rng([seed, tuple(SIZES).index(size), TEXTURES.index(texture), number])
    low, high = SIZES[size]
    diameter = low + (high - low) * (number + float(rng.uniform(0, 1))) / EACH
    spec = draw_nodule(rng, diameter, _GROWN[texture])
    shape = draw_shape(spec, rng)
    # Spicules are at most 1.1 radii long; what lies beyond `REACH` of the mask is cut below anyway.
    half = int(np.ceil(reach(shape))) + REACH + MARGIN
    coarse = Grid((-float(half),) * 3, (1.0,) * 3, (2 * half + 1,) * 3)
    fine = coarse.refined((FINER,) * 3)
    middle = rng.uniform(-0.5, 0.5, 3)
    fraction, value = mixture(spec, shape, middle, fine, rng)
    hu = LUNG + fraction * np.maximum(value - LUNG, 0)
    scanned = blur(hu, fine, Scanner(sharpness=float(rng.beta(1.5, 1.5))), 1.0)
    n = 2 * half + 1
    pooled = scanned.reshape(n, FINER, n, FINER, n, FINER).mean(axis=(1, 3, 5))
    mask = signed_distance(shape, middle, coarse) > 0
    near = binary_dilation(mask, iterations=REACH)
    where = np.argwhere(mask)
    part = tuple(slice(a - MARGIN, b + 1 + MARGIN) for a, b in zip(where.min(0), where.max(0), strict=True))
    voxels = to_bytes(np.where(near, pooled, LUNG))
    name = f"made-{seed}-{size}-{texture}-{number}".replace(" ", "-")
    return Nodule(voxels[part], mask[part], diameter, texture, name, LUNG, 0.0)


def make_nodules(seed: int = 0) -> list[Nodule]:
    """Make `EACH` nodules of each size and texture."""
    return [
        make_nodule(size, texture, number, seed)
        for size in SIZES
        for texture in TEXTURES
        for number in range(EACH)
    ]
