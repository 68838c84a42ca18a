"""Grafts a nodule into a CT: as tissue that fills a part of each voxel, so that its own lung stays behind.

A voxel of lung and nodule is a mixture. What is taken over from the donor is the fraction that tissue fills, not its grey values:
in the new place the same fraction of whatever lies there, emphysema or a vessel, is replaced by tissue.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter

from ..imaging.image import Image
from ..imaging.resample import resample
from .bank import LUNG_HU, TISSUE_HU, Nodule, noise_of

RIM, SOFT = 1, 0.7
"""Voxels of its surroundings that come along, with the blur of its edge and the roots of vessels; and the standard deviation
of the rim over which a graft fades then."""
SIDE = 48
"""mm of a scan around a graft that a detector sees, and from which its noise is known."""
GRAIN = 0.6
"""Standard deviation in voxels of 1 mm below which a nodule's detail counts as grain."""


@dataclass(frozen=True, eq=False)
class Grafted:
    """An image with a graft.

    Parameters
    ----------
    image
        The image; only voxels of `part` differ from what they were.
    part
        Slices of the voxels around the graft.
    center
        (3,) world mm (z, y, x) of the graft's middle, on the image's grid: up to half a voxel from where it was wanted.
    diameter
        mm.
    """

    image: Image
    part: tuple[slice, ...]
    center: np.ndarray
    diameter: float


def turned(nodule: Nodule, rng: np.random.Generator) -> Nodule:
    """Mirror a nodule along any axis and swap y with x, by chance; z stays z, because slices blur along it."""
    flips = tuple(int(axis) for axis in np.flatnonzero(rng.random(3) < 0.5))
    voxels, mask = np.flip(nodule.voxels, flips), np.flip(nodule.mask, flips)
    if rng.random() < 0.5:
        voxels, mask = voxels.swapaxes(1, 2), mask.swapaxes(1, 2)
    return replace(nodule, voxels=np.ascontiguousarray(voxels), mask=np.ascontiguousarray(mask))


def graft(
    image: Image, nodule: Nodule, center: np.ndarray, rng: np.random.Generator, strength: float = 1.0
) -> Grafted:
    """Put a nodule into a CT; the image that is given stays as it is.

    Parameters
    ----------
    image
        CT (z, y, x) in HU with a spacing, or a part of one.
    nodule
        As it is to lie there (`turned`).
    center
        (3,) world mm (z, y, x): where its middle comes, to half a voxel.
    rng
        Draws the noise that the nodule lacks.
    strength
        Factor on its density above the lung's: 1 as it was, 0 not there at all.
    """
    hu = _around(image, center)
    level = noise_of(hu, gaussian_filter(hu, 1.0) < LUNG_HU)
    low, filled, soft, middle = _on_grid(image, nodule, center, level)
    first = np.maximum(low, 0)
    last = np.minimum(low + filled.shape, image.shape)
    part = tuple(slice(a, max(a, b)) for a, b in zip(first, last, strict=True))
    inner = tuple(slice(p.start - a, p.stop - a) for p, a in zip(part, low, strict=True))
    where = image.to_world(low) + middle
    if not strength or any(p.stop <= p.start for p in part):
        return Grafted(image, part, where, nodule.diameter)
    here = image.voxels[part].astype(np.float32)
    share = strength * soft[inner] * filled[inner]
    grain = _noise(hu, level, nodule, here.shape, rng)
    added = share * (TISSUE_HU - here) + np.clip(share, 0, 1) * grain
    voxels = image.voxels.copy()
    voxels[part] = _like(here + added, image.voxels.dtype)
    return Grafted(replace(image, voxels=voxels), part, where, nodule.diameter)


def _on_grid(
    image: Image, nodule: Nodule, center: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where the nodule's part begins in the image (index), its filling and its rim there, and its middle from that voxel in mm."""
    spacing = np.asarray(image.scale)
    rim = gaussian_filter(binary_dilation(nodule.mask, iterations=RIM).astype(np.float32), SOFT)
    # The part begins at a voxel's edge of the image, so that `resample` puts it on the image's own grid.
    half = 0.5 * spacing
    wanted = np.asarray(center) - nodule.center - 0.5
    low = np.round(image.to_index(wanted + half)).astype(int)
    edge = image.to_world(low) - half
    fields = [
        resample(Image(field, spacing=(1.0,) * 3, origin=tuple(edge + 0.5)), image.scale).voxels
        for field in (_calm(nodule, level), rim)
    ]
    return low, fields[0], fields[1], nodule.center + 0.5 - half


def _calm(nodule: Nodule, level: float) -> np.ndarray:
    """A nodule's filling with its grain only as far as tissue fills a voxel, and no coarser than a scan's noise `level` (HU).

    The lung in the rest of the voxel has the new place's own grain; both together would be too much.
    """
    smooth = gaussian_filter(nodule.filled, GRAIN)
    least = 2 * nodule.noise / (TISSUE_HU - nodule.lung)
    there = np.clip(smooth / max(least, 1e-3) - 0.5, 0, 1)
    coarser = min(1.0, level / max(nodule.noise, 1e-3))
    own = np.clip(1.6 * smooth, 0, 1) * (1 + coarser) / 2
    return ((smooth + own * (nodule.filled - smooth)) * there).astype(np.float32)


def _around(image: Image, center: np.ndarray) -> np.ndarray:
    """HU (float32) of the `SIDE` mm around a world place of an image."""
    middle = np.clip(np.round(image.to_index(center)).astype(int), 0, np.array(image.shape) - 1)
    reach = np.ceil(SIDE / 2 / np.asarray(image.scale)).astype(int)
    bounds = zip(np.maximum(middle - reach, 0), middle + reach + 1, strict=True)
    return image.voxels[tuple(slice(int(a), int(b)) for a, b in bounds)].astype(np.float32)


def _noise(
    hu: np.ndarray, level: float, nodule: Nodule, shape: tuple[int, ...], rng: np.random.Generator
) -> np.ndarray:
    """The noise (HU) that a nodule lacks in a noisier scan: taken from the scan itself, so that its grain is right."""
    lacking = np.sqrt(max(level**2 - nodule.noise**2, 0.0))
    if not lacking:
        return np.zeros(shape, np.float32)
    fine = np.clip(hu - gaussian_filter(hu, 1.0), -3 * level, 3 * level)
    # Round at the ends, where the image ends near the graft.
    index = [(int(rng.integers(n)) + np.arange(s)) % n for n, s in zip(fine.shape, shape, strict=True)]
    piece = fine[np.ix_(*index)]
    return piece * np.float32(lacking / max(level, 1e-6))


def _like(values: np.ndarray, kind: np.dtype) -> np.ndarray:
    """Values as an image stores them."""
    if np.issubdtype(kind, np.integer):
        info = np.iinfo(kind)
        return np.clip(np.rint(values), info.min, info.max).astype(kind)
    return values.astype(kind)
