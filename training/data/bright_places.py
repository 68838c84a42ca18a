"""Bright places on CTs that are no nodules: vessels, the hilum, bone and the chest wall, as a blob detector finds them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

from ..imaging.image import Image
from ..imaging.resample import sample_grid
from .public.luna16_nodules import NoduleCube

IN_CUBES, IN_SCANS = (5.0, 8.0, 13.0), (5.0, 8.0, 13.0, 20.0)
"""Diameters in mm that are looked for."""
TISSUE_HU = -200.0
LEAST_HU = 60.0
"""Of the difference of Gaussians: brighter than around."""
CLEAR_MM, LESION_MM = 4.0, 8.0
"""A place lies so far from an annotation of a cube, and from a known lesion of a scan: tumours are no spheres."""
BLOCK, BLOCKS, OF_BLOCK = 80, 14, 3
"""Voxels of 1 mm along the side of the parts of a scan that are looked at, how many, and places of each size in one."""
AIR, TISSUE = 0.15, 0.1
"""A part has so much lung, and so much else: the fractions of its voxels."""
SIZE_SD = 0.12
"""Of the log diameter around the one looked for: marks are not of five sizes."""

Place = tuple[np.ndarray, float]
"""Centre (3,) and diameter in mm."""


def peaks(hu: np.ndarray, diameter: float, margin: float) -> np.ndarray:
    """Find (k, 3) voxels in whose surroundings a ball of a diameter in mm stands out, `margin` from the sides."""
    values, sd = np.clip(hu, -1000, 300), max(diameter / 2 / np.sqrt(3), 1.2)
    contrast = gaussian_filter(values, sd) - gaussian_filter(values, 1.6 * sd)
    highest = maximum_filter(contrast, size=int(diameter) | 1)
    found = np.argwhere((contrast == highest) & (contrast > LEAST_HU))
    return found[np.all((found >= margin) & (found < np.array(hu.shape) - margin), axis=1)]


def within_tissue(hu: np.ndarray, margin: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw (k, 3) at most `count` voxels of tissue, whether anything stands out there or not: a person may click anywhere."""
    inside = tuple(slice(int(np.ceil(margin)), int(n - margin)) for n in hu.shape)
    found = np.argwhere(hu[inside] > TISSUE_HU) + int(np.ceil(margin))
    return found[rng.integers(len(found), size=count)] if len(found) else found


def of_cube(cube: NoduleCube, hu: np.ndarray, rng: np.random.Generator) -> list[Place]:
    """Draw at most three places of a nodule cube (its voxels in HU, perhaps blurred), away from all annotations."""
    diameter = float(rng.choice(IN_CUBES))
    margin = diameter / 2 + 6
    found = rng.permutation(peaks(hu, diameter, margin))
    found = np.concatenate([within_tissue(hu, margin, 1, rng), found])
    known = np.concatenate([cube.truth, cube.excluded])
    found = found[_apart(found, known, CLEAR_MM + diameter / 2)]
    chosen = found[:3].astype(float)
    return [(place, diameter * float(np.exp(rng.normal(0, SIZE_SD)))) for place in chosen]


def of_scan(image: Image, known: np.ndarray, rng: np.random.Generator) -> Iterator[Place]:
    """Draw places of a whole scan, in world mm, from parts of it that hold lung and other tissue.

    Parameters
    ----------
    known
        (M, 4) lesions: z, y, x and diameter in mm.
    """
    low, high = map(np.asarray, image.extent)
    looked = 0
    for _ in range(20 * BLOCKS):
        origin = low + rng.random(3) * np.maximum(high - low - BLOCK, 1)
        hu = sample_grid(image, origin, (BLOCK // 8,) * 3, 8.0).voxels
        if ((hu < -700) & (hu > -1000)).mean() < AIR or (hu > -200).mean() < TISSUE:
            continue
        hu = sample_grid(image, origin, (BLOCK,) * 3).voxels.astype(np.float32)
        for diameter in IN_SCANS:
            found = rng.permutation(peaks(hu, diameter, 8.0))[:OF_BLOCK]
            for place in origin + np.concatenate([within_tissue(hu, 8.0, 1, rng), found]):
                if _apart(place[None], known, LESION_MM)[0]:
                    yield place, diameter * float(np.exp(rng.normal(0, SIZE_SD)))
        looked += 1
        if looked == BLOCKS:
            return


def _apart(places: np.ndarray, known: np.ndarray, by: float) -> np.ndarray:
    """(k,) whether places lie further than `by` from the surface of all known spheres."""
    away = np.linalg.norm(places[:, None] - known[None, :, :3], axis=2) - known[None, :, 3] / 2
    return (away > by).all(1)
