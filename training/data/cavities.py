"""Cavities and bubbles in the masks of solid nodules: augmentation for what nodule cubes hardly hold.

A cavity is a gas-filled space within a nodule, bubbles of it are the lucencies called pseudocavitation (Fleischner Society's
glossary, doi:10.1148/radiol.2462070712).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter, zoom

FINE = 2
"""Parts of a voxel along each axis in which walls and septa are made: they are as thin as a voxel of 1 mm."""
SOLID_HU = -150.0
"""Median more than `RIM_MM` inside a nodule from which it counts as solid; there is no cavity in ground glass here."""
RIM_MM = 1.0
TISSUE_HU = -400.0
"""Half-way from lung to tissue: where a nodule's own surface lies, of which outlines are often generous."""
LEAST_DEPTH_MM = 0.9
"""Least radius of the air within: less is hardly seen behind the scan's blur."""
THINNEST_MM = 1.0
"""Least wall on the thin side of a cavity off the middle."""


@dataclass(frozen=True)
class CavityRanges:
    """What a cavity is drawn from, uniformly.

    Parameters
    ----------
    wall_mm
        Wall in the mean over directions; no thicker than leaves room for air.
    air_hu
        Contents: air, or air with a little of what the scan's blur brings in.
    off_middle
        Fraction by which the wall is thicker on one side and thinner on the other.
    blur_mm
        Standard deviation of the scan's blur at the wall's inner face.
    bubbles, septa
        Probabilities: of several small bubbles instead of one cavity, and of one to three septa through a cavity.
    """

    wall_mm: tuple[float, float] = (1.5, 5.0)
    air_hu: tuple[float, float] = (-1000.0, -850.0)
    off_middle: tuple[float, float] = (0.0, 0.6)
    blur_mm: tuple[float, float] = (0.4, 0.8)
    bubbles: float = 0.25
    septa: float = 0.2


RANGES = CavityRanges()


def hollow_out(
    hu: np.ndarray,
    mask: np.ndarray,
    rng: np.random.Generator,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ranges: CavityRanges = RANGES,
) -> np.ndarray | None:
    """Fill the inside of a solid nodule with air behind a wall: a cavity, or a few bubbles.

    Parameters
    ----------
    hu
        (D, H, W) Hounsfield units.
    mask
        bool, of the same shape: the nodule, with its wall.
    spacing
        mm of a voxel along z, y, x.

    Returns
    -------
    np.ndarray or None
        float32, changed within the mask only but for the blur; None where the nodule is too small or not solid.
    """
    if not mask.any():
        return None
    hollowed = hu.astype(np.float32)
    part = _around(mask)
    hu, mask = hollowed[part], mask[part]
    depth = _depth(binary_fill_holes(mask & (gaussian_filter(hu, 0.5) > TISSUE_HU)), spacing)
    room = float(depth.max()) - LEAST_DEPTH_MM
    if room < ranges.wall_mm[0] or np.median(hu[_mean(depth, hu.shape) > RIM_MM]) < SOLID_HU:
        return None
    low, high = ranges.wall_mm
    wall = rng.uniform(low, min(high, room))
    step = np.asarray(spacing) / FINE
    core = _bubbles(depth, wall, step, rng) if rng.random() < ranges.bubbles else None
    if core is None:
        core = _cavity(depth, wall, rng.uniform(*ranges.off_middle), step, rng)
        if rng.random() < ranges.septa:
            core &= ~_septa(core, step, rng)
    share = gaussian_filter(core.astype(np.float32), rng.uniform(*ranges.blur_mm) / step)
    share = _mean(share, hu.shape)
    # What the nodule's own noise was, stays: a cavity without any would give itself away.
    noise = np.clip(hu - gaussian_filter(hu, 1.0), -60, 60)
    hollowed[part] = (1 - share) * hu + share * (np.float32(rng.uniform(*ranges.air_hu)) + noise)
    return hollowed


def _around(mask: np.ndarray, margin: int = 3) -> tuple[slice, ...]:
    """The part of a volume around what a mask holds."""
    where = np.argwhere(mask)
    return tuple(
        slice(max(a - margin, 0), b + 1 + margin) for a, b in zip(where.min(0), where.max(0), strict=True)
    )


def _mean(fine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Means over the parts of each voxel."""
    return fine.reshape(*(k for n in shape for k in (n, FINE))).mean((1, 3, 5))


def _depth(mask: np.ndarray, spacing: tuple[float, float, float]) -> np.ndarray:
    """Distance in mm from the mask's surface inwards, on parts of voxels; the surface is smoothed by half a voxel."""
    soft = gaussian_filter(np.pad(mask, 1).astype(np.float32), 0.5)
    fine = zoom(soft, FINE, order=1, mode="nearest", grid_mode=True)[(slice(FINE, -FINE),) * 3]
    return distance_transform_edt(fine > 0.5, sampling=np.asarray(spacing) / FINE)


def _cavity(
    depth: np.ndarray, wall: float, off_middle: float, step: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Where a nodule lies deeper than its wall, which is uneven: thick on one side, and a little at every place."""
    direction = rng.standard_normal(3)
    direction /= np.linalg.norm(direction)
    along = sum(d * p for d, p in zip(direction, _from_deepest(depth, step), strict=True))
    along = along / max(float(np.abs(along[depth > 0]).max()), 1e-6)
    rough = gaussian_filter(rng.standard_normal(depth.shape).astype(np.float32), 1.5 / step)
    rough *= 0.3 / max(float(rough.std()), 1e-6)
    # No thicker than leaves air in the deepest place.
    thickest = float(depth.max()) - LEAST_DEPTH_MM / 2
    uneven = np.clip(wall * (1 + off_middle * along) + rough, THINNEST_MM, thickest)
    return depth > uneven


def _bubbles(depth: np.ndarray, wall: float, step: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Two to five bubbles of 2 to 5 mm, none nearer to the surface than a thin wall; None where fewer than two have room."""
    core, made = np.zeros(depth.shape, bool), 0
    places = np.argwhere(depth > min(wall, 2.0) + 1.0)
    if not len(places):
        return None
    grid = np.indices(depth.shape)
    for _ in range(rng.integers(2, 6)):
        place = places[rng.integers(len(places))]
        radius = min(rng.uniform(1.0, 2.5), float(depth[tuple(place)]) - THINNEST_MM)
        distance = np.sqrt(sum(((g - p) * s) ** 2 for g, p, s in zip(grid, place, step, strict=True)))
        if not (core & (distance < radius + 0.8)).any():
            core |= distance < radius
            made += 1
    return core if made > 1 else None


def _septa(core: np.ndarray, step: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One to three thin planes through a cavity."""
    planes = np.zeros(core.shape, bool)
    inside = np.argwhere(core)
    if not len(inside):
        return planes
    for _ in range(rng.integers(1, 4)):
        normal = rng.standard_normal(3)
        normal /= np.linalg.norm(normal)
        through = inside[rng.integers(len(inside))]
        grid = np.indices(core.shape)
        along = sum(n * (g - t) * s for n, g, t, s in zip(normal, grid, through, step, strict=True))
        planes |= np.abs(along) < rng.uniform(0.4, 0.7)
    return planes


def _from_deepest(depth: np.ndarray, step: np.ndarray) -> list[np.ndarray]:
    """Position in mm of each place from the deepest one, along each axis."""
    deepest = np.unravel_index(int(depth.argmax()), depth.shape)
    return [(g - d) * s for g, d, s in zip(np.indices(depth.shape, np.float32), deepest, step, strict=True)]
