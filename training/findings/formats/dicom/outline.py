"""The voxels of an image that an outline on one of its slices encloses, however the slice lies in the image."""

from __future__ import annotations

import numpy as np
from skimage.measure import points_in_poly

from ....imaging.image import Image
from .writing.source import Plane

_PLACES = 6  # decimals of a pixel: what lies in the middle by the headers does so in floating point


def enclosed_voxels(outline: np.ndarray, plane: Plane, depth: float, image: Image) -> np.ndarray:
    """Find the voxels of a CT whose centres lie in an outline on a slice, within half of the slice's depth.

    Where voxels are larger than slices are deep, those that lie nearest to the slice belong to it.

    Parameters
    ----------
    outline
        (n, 3) places z, y, x on the slice.
    plane
        Of the slice.
    depth
        Distance of the slices in mm.
    image
        The CT.

    Returns
    -------
    numpy.ndarray
        (m, 3) indices z, y, x.
    """
    index = _candidates(outline, plane, depth, image)
    pixels = plane.to_pixels(image.to_world(index)[:, ::-1])[:, :2]
    corners = plane.to_pixels(outline[:, ::-1])[:, :2]
    inside = points_in_poly(np.round(pixels, _PLACES), np.round(corners, _PLACES))
    return index[np.asarray(inside, bool)]


def _candidates(outline: np.ndarray, plane: Plane, depth: float, image: Image) -> np.ndarray:
    """Indices (m, 3) of the voxels of the slice around an outline: a few along the axis that crosses it most steeply."""
    scale, normal = np.array(image.scale), plane.normal[::-1]
    axis = int(np.argmax(np.abs(normal)))
    step = scale[axis] * normal[axis]
    reach = max(depth, abs(step)) / 2 / abs(step)
    corners = image.to_index(outline)
    low = np.clip(np.floor(corners.min(0)), 0, image.shape).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 1, 0, image.shape).astype(int)
    low[axis], high[axis] = 0, 1
    across = np.stack(
        np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), -1
    )
    across = across.reshape(-1, 3)
    heights = (image.to_world(across) - plane.position[::-1]) @ normal
    middle = np.round(-heights / step, _PLACES)
    layers = []
    for k in range(int(2 * reach) + 1):
        place = np.ceil(middle - reach) + k
        there = (place < middle + reach) & (place >= 0) & (place < image.shape[axis])
        layer = across[there]
        layer[:, axis] = place[there]
        layers.append(layer)
    return np.concatenate(layers)
