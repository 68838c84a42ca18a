"""A second scan of a real nodule with a known change of its volume: grown, on another grid, with other noise and slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...imaging.image import Image
from ...imaging.resample import resample

_FADE = 6.0
"""Millimetres round a grown nodule, at least, over which its surroundings give way."""
_GRAIN = 0.6
"""Standard deviation in pixels of the blur that makes noise look like a scanner's, in the slice."""


def grow(image: Image, center: Sequence[float], radius: float, factor: float) -> Image:
    """Enlarge what lies within a ball, so that any volume in there grows by a known factor.

    Within the ball all distances to its centre are multiplied by the cube root of the factor; the tissue around it gives way, less
    and less with distance, and nothing moves that is far away. Values come from cubic splines.

    Parameters
    ----------
    image
        CT (z, y, x) with a spacing.
    center, radius
        Ball in world mm that holds all of the nodule.
    factor
        Of the volume, e.g. 1.5.
    """
    from scipy.ndimage import map_coordinates

    if factor == 1:
        return image
    scale = float(np.cbrt(factor))
    beyond = scale * radius + max(_FADE, 2 * abs(scale - 1) * radius)
    low = np.maximum(np.floor(image.to_index(np.asarray(center) - beyond)).astype(int), 0)
    high = np.minimum(np.ceil(image.to_index(np.asarray(center) + beyond)).astype(int) + 1, image.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    away = np.moveaxis(np.indices(high - low) + low[:, None, None, None], 0, -1) * np.asarray(image.scale)
    away += np.asarray(image.origin) - np.asarray(center)
    distance = np.maximum(np.linalg.norm(away, axis=-1), 1e-6)
    from_ = np.interp(distance, [0, scale * radius, beyond, beyond + 1], [0, radius, beyond, beyond + 1])
    world = np.asarray(center) + away * (from_ / distance)[..., None]
    voxels = image.voxels.astype(np.float32)
    coordinates = np.moveaxis(image.to_index(world), -1, 0)
    voxels[box] = map_coordinates(image.voxels.astype(np.float32), coordinates, order=3, mode="nearest")
    return replace(image, voxels=voxels)


def scan_again(
    image: Image, shift: Sequence[float], slice_mm: float, noise: float, rng: np.random.Generator
) -> Image:
    """Take a scan once more: its grid moved, its slices as thick as wanted, with noise of its own.

    Parameters
    ----------
    image
        CT (z, y, x) with a spacing.
    shift
        Of the grid, in voxels (z, y, x) of `image`; what is seen stays where it is in the world.
    slice_mm
        New distance and thickness of the slices, in mm; not less than that of `image`.
    noise
        Standard deviation in HU of what is added.
    rng
        Of the noise.
    """
    from scipy.ndimage import gaussian_filter
    from scipy.ndimage import shift as shift_

    voxels = shift_(image.voxels.astype(np.float32), -np.asarray(shift, float), order=3, mode="nearest")
    moved = replace(image, voxels=voxels, origin=tuple(image.to_world(shift)))
    scanned = resample(moved, (slice_mm, *image.scale[1:])) if slice_mm > image.scale[0] else moved
    grain = gaussian_filter(rng.standard_normal(scanned.shape).astype(np.float32), (0, _GRAIN, _GRAIN))
    return replace(scanned, voxels=scanned.voxels + grain * np.float32(noise / max(float(grain.std()), 1e-6)))
