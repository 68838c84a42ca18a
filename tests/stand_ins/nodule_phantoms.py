"""Nodules of known size in lung, blurred as a scanner blurs, with a vessel or a chest wall where a test wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_lungmtl.training.imaging.image import Image

SIDE = 48.0
"""Millimetres of the cube."""
ORIGIN = (10.0, 20.0, 30.0)
MIDDLE = tuple(SIDE / 2 + 0.3 + o for o in ORIGIN)
"""World position (z, y, x) of the nodule's middle: no voxel's centre."""
LUNG = -850
Shape = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_SUB, _PSF = 2, 0.6


def vessel(radius: float) -> Shape:
    """A straight vessel that runs from the middle to the patient's left."""
    return lambda z, y, x: (y**2 + z**2 <= radius**2) & (x > 0)


def wall(distance: float) -> Shape:
    """A chest wall at the patient's left, so far from the middle."""
    return lambda z, y, x: x > distance


def nodule_phantom(
    radii: Sequence[float],
    spacing: Sequence[float] = (1.0, 0.75, 0.75),
    hu: float = 40,
    beside: Shape | None = None,
    noise: float = 15.0,
) -> Image:
    """A CT cube with an ellipsoid of these radii (z, y, x; mm) and what stands beside it, in lung of −850 HU."""
    shape = [round(SIDE / s) for s in spacing]
    steps = [
        ((np.arange(n * _SUB) + 0.5) / _SUB - 0.5) * s + o - m
        for n, s, o, m in zip(shape, spacing, ORIGIN, MIDDLE, strict=True)
    ]
    z, y, x = np.meshgrid(*steps, indexing="ij", sparse=True)
    inside = (z / radii[0]) ** 2 + (y / radii[1]) ** 2 + (x / radii[2]) ** 2 <= 1
    if beside is not None:
        inside = inside | beside(z, y, x)
    values = gaussian_filter(
        np.where(inside, hu, LUNG).astype(np.float32), [_PSF / s * _SUB for s in spacing]
    )
    values = values.reshape(shape[0], _SUB, shape[1], _SUB, shape[2], _SUB).mean(axis=(1, 3, 5))
    values += np.random.default_rng(0).normal(0, noise, values.shape)
    return Image(values.astype(np.int16), "CT", tuple(spacing), ORIGIN, series_uid="phantom")
