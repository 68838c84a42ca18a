"""From anatomy to voxels: point spread, slice thickness and correlated noise."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from .grid import Grid
from .spec import Scanner


def blur(hu: np.ndarray, grid: Grid, scanner: Scanner, thickness: float) -> np.ndarray:
    """Point spread within the slice (FWHM 1.1–2.0 mm by kernel) and the slice profile along z."""
    width = 0.48 + 0.38 * (1 - scanner.sharpness)
    sigma = (0.36 * thickness / grid.spacing[0], width / grid.spacing[1], width / grid.spacing[2])
    return ndimage.gaussian_filter(hu, sigma, truncate=2.5, mode="nearest")


def noise(
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
    scanner: Scanner,
    thickness: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Zero-mean noise of ``scanner.noise`` HU.

    Reconstruction passes a band: white noise is smoothed by the kernel, and a sharp kernel lacks low frequencies.
    """
    grain = rng.standard_normal(shape, np.float32)
    width = 0.4 + 0.65 * (1 - scanner.sharpness)
    grain = ndimage.gaussian_filter(
        grain, (0.3 * thickness / spacing[0], width / spacing[1], width / spacing[2]), truncate=2.5
    )
    if scanner.sharpness > 0.05:
        low = ndimage.uniform_filter(grain, [max(1, round(7 / s)) for s in spacing])
        grain -= 0.8 * scanner.sharpness * low
    middle = tuple(slice(n // 4, max(n // 4 + 1, n - n // 4)) for n in shape)
    grain *= np.float32(scanner.noise / max(float(grain[middle].std()), 1e-6))
    return grain
