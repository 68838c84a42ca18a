"""Resampling to isotropic voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .image import Image

if TYPE_CHECKING:
    from scipy import sparse

SLAB = 32
"""New slices that are made at once."""


def resample(image: Image, spacing_mm: float | Sequence[float] = 1.0) -> Image:
    """Interpolate an image linearly to another voxel size in mm.

    The new grid begins at the same outer edge as the old one and has ``round(length / spacing)`` voxels, so the field of
    view is kept to half a voxel and `Image.origin` moves to the centre of the new first voxel: world coordinates of
    everything in the picture stay exact. Where an axis gets coarser, the linear interpolant is averaged over the
    difference of the voxel sizes: noise is averaged instead of aliased, and nothing moves (a linear function of place
    stays what it is).

    Parameters
    ----------
    image
        Volume (z, y, x) or picture (y, x) with a spacing.
    spacing_mm
        New distance of voxel centres in mm: one number, or one per axis.

    Returns
    -------
    Image
        int16 stays int16 (rounded), all else becomes float32. Other fields are those of `image`.

    Raises
    ------
    ValueError
        The image has no spacing, or the new one is not positive.
    """
    if image.spacing is None:
        raise ValueError("an image without spacing cannot be resampled to millimetres")
    target = np.broadcast_to(np.asarray(spacing_mm, float), (image.ndim,))
    if not np.all(target > 0):
        raise ValueError(f"a spacing is positive, not {spacing_mm}")
    weights = [_weights(n, s, t) for n, s, t in zip(image.shape, image.spacing, target)]
    origin = np.asarray(image.origin) + (target - np.asarray(image.spacing)) / 2
    return _apply(image, weights, target, origin)


def sample_grid(
    image: Image, origin: Sequence[float] | np.ndarray, shape: Sequence[int], spacing_mm: float = 1.0
) -> Image:
    """Interpolate a part of a volume (mm) on a grid of one's own: the way of `resample`, from any starting point.

    Parameters
    ----------
    image
        Volume (z, y, x) with a spacing.
    origin
        World position (z, y, x) in mm of the new first voxel's centre.
    shape
        Voxels of the new grid (z, y, x). What lies beyond the image continues its outermost voxels.
    spacing_mm
        Distance of the new voxels' centres.

    Returns
    -------
    Image
        float32 voxels.

    Raises
    ------
    ValueError
        The image has no spacing.
    """
    if image.spacing is None:
        raise ValueError("an image without spacing cannot be sampled in millimetres")
    target = np.full(image.ndim, float(spacing_mm))
    weights, low = [], []
    for n, s, o, first, new in zip(image.shape, image.spacing, image.origin, origin, shape, strict=True):
        centers = (first - o + np.arange(new) * spacing_mm) / s
        matrix = _matrix(n, centers, max(0.0, spacing_mm / s - 1))
        used = np.unique(matrix.indices)
        start, stop = int(used[0]), int(used[-1]) + 1
        weights.append(matrix[:, start:stop])
        low.append(slice(start, stop))
    part = replace(image, voxels=image.voxels[tuple(low)].astype(np.float32, copy=False))
    return _apply(part, weights, target, np.asarray(origin, float))


def _apply(image: Image, weights: list[sparse.csr_array], target: np.ndarray, origin: np.ndarray) -> Image:
    """Apply a matrix of weights along each axis."""
    values = image.voxels if image.ndim == 3 else image.voxels[None]
    down, right = weights[-2], weights[-1]
    along = weights[0] if image.ndim == 3 else None
    kind = np.int16 if image.voxels.dtype == np.int16 else np.float32
    out = np.empty((len(values) if along is None else along.shape[0], down.shape[0], right.shape[0]), kind)
    for low in range(0, len(out), SLAB):
        # Old slices that these new ones are made of; floats are never kept for the whole height.
        used = np.arange(low, low + 1) if along is None else np.unique(along[low : low + SLAB].indices)
        first, end = int(used[0]), int(used[-1]) + 1
        # In the plane slice by slice, which stays in the cache; sparse throughout, since BLAS threads waiting for each
        # other on a busy machine took five times as long.
        plane = np.stack([(right @ (down @ one.astype(np.float32)).T).T for one in values[first:end]])
        if along is not None:
            part = along[low : low + SLAB, first:end]
            plane = (part @ plane.reshape(len(plane), -1)).reshape(-1, *plane.shape[1:])
        out[low : low + SLAB] = np.rint(plane, out=plane) if kind is np.int16 else plane
    out = out if image.ndim == 3 else out[0]
    metadata = {k: v for k, v in image.metadata.items() if k != "sop_instance_uids"}
    return replace(image, voxels=out, spacing=tuple(target), origin=tuple(origin), metadata=metadata)


def _weights(count: int, spacing: float, target: float) -> sparse.csr_array:
    """Matrix (new, old) of weights along one axis; beyond the ends the last voxel goes on."""
    new = max(1, round(count * spacing / target))
    centers = (np.arange(new) + 0.5) * target / spacing - 0.5
    return _matrix(count, centers, max(0.0, target / spacing - 1))


def _matrix(count: int, centers: np.ndarray, width: float) -> sparse.csr_array:
    """Weights (new, old) at fractional old indices `centers`, the interpolant averaged over `width` old voxels."""
    from scipy import sparse

    new = len(centers)
    reach = int(np.ceil(1 + width / 2))
    old = np.floor(centers).astype(int)[:, None] + np.arange(-reach, reach + 1)
    offset = centers[:, None] - old
    if width < 1e-6:
        weight = np.clip(1 - np.abs(offset), 0, None)
    else:
        weight = (_triangle_below(offset + width / 2) - _triangle_below(offset - width / 2)) / width
    rows = np.broadcast_to(np.arange(new)[:, None], old.shape)
    matrix = sparse.coo_array(
        (weight.ravel(), (rows.ravel(), np.clip(old, 0, count - 1).ravel())), (new, count)
    )
    return matrix.tocsr().astype(np.float32)


def _triangle_below(x: np.ndarray) -> np.ndarray:
    """Area of the unit triangle (from -1 to 1) left of x."""
    x = np.clip(x, -1, 1)
    return np.where(x < 0, (1 + x) ** 2 / 2, 1 - (1 - x) ** 2 / 2)
