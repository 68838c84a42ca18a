"""What an acquisition looks like, in a few numbers: spacing, field of view, noise, sharpness of the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from ..imaging.image import Image

SLICES = 16
"""Slices in which noise is estimated, evenly spread."""
LUNG_HU = (-980.0, -700.0)
"""Means of 3 × 3 pixels that are lung, or air with noise in it: what is clipped at -1000 or padded has less."""
LEAST_PIXELS = 500
MAD = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""
WITHIN = 1.0136
"""The same over that of its values within three of them."""


@dataclass(frozen=True)
class Feature:
    """How a feature is told to a person, and how far it may differ before anybody asks.

    Parameters
    ----------
    words
        ``"slices of {} mm"``.
    tolerance
        Ratio of two values that are as good as the same, less 1: what a scanner's settings differ by from one patient to the next.
    """

    words: str
    tolerance: float

    def of(self, value: float | str) -> str:
        """The feature in words, with a value or a range."""
        return self.words.format(value if isinstance(value, str) else digits(value))


FEATURES: Mapping[str, Feature] = {
    "slice": Feature("slices of {} mm", 0.1),
    "pixel": Feature("pixels of {} mm", 0.15),
    "field": Feature("a field of view of {} mm", 0.15),
    "noise": Feature("noise of {} HU", 0.15),
    "grain": Feature("noise of {} % (of the range of the film's grey values)", 0.15),
    "sharpness": Feature("a kernel sharpness of {}", 0.15),
}


def digits(value: float) -> str:
    """Two significant digits, or all those before the point."""
    return f"{value:.0f}" if value >= 10 else f"{float(f'{value:.2g}'):g}"


def features_of(image: Image) -> dict[str, float]:
    """Measure an image: positive numbers by names of `FEATURES`; what cannot be told is left out.

    Noise is the robust standard deviation of the second differences along x in lung and air, where there is little else. Their
    ratio to those of pixels twice as far apart is near 1 where neighbours are independent (a sharp kernel) and small where a smooth
    kernel, or resampling, has made them alike. A radiograph's noise is a fraction of the range from its 1st to its 99th percentile.
    """
    found: dict[str, float] = {}
    if image.spacing is not None:
        found["pixel"] = image.spacing[-1]
        found["field"] = image.spacing[-1] * image.shape[-1]
        if image.ndim == 3 and image.shape[0] > 1:
            found["slice"] = image.spacing[0]
    near, far, scale = _differences(image)
    if near > 0 and far > 0 and scale > 0:
        found["noise" if image.ndim == 3 else "grain"] = near / scale
        found["sharpness"] = near / far
    return {name: float(value) for name, value in found.items() if value > 0}


def _differences(image: Image) -> tuple[float, float, float]:
    """Robust standard deviations of second differences of neighbours, and of pixels two apart; and the unit of noise."""
    if image.ndim == 2:
        plane = np.asarray(image.voxels, np.float32)
        low, high = np.percentile(plane, (1, 99))
        inside = (plane > low) & (plane < high)
        return (*_both([(plane, inside)]), float(high - low) / 100)
    step = max(1, image.shape[0] // SLICES)
    planes = [np.asarray(p, np.float32) for p in image.voxels[step // 2 :: step]]
    return (*_both([(p, _lung(p)) for p in planes]), 1.0)


def _lung(plane: np.ndarray) -> np.ndarray:
    mean = uniform_filter(plane, 3, mode="nearest")
    return (mean > LUNG_HU[0]) & (mean < LUNG_HU[1])


def _both(planes: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    near, far = (_spread([_second(p, inside, apart) for p, inside in planes]) for apart in (1, 2))
    return near, far


def _second(plane: np.ndarray, inside: np.ndarray, apart: int) -> np.ndarray:
    """Second differences of variance 1 for independent noise of variance 1, where all three pixels are inside."""
    a, b, c = (slice(n, plane.shape[1] - 2 * apart + n) for n in (0, apart, 2 * apart))
    whole = inside[:, a] & inside[:, b] & inside[:, c]
    return ((plane[:, a] - 2 * plane[:, b] + plane[:, c]) / np.sqrt(6))[whole]


def _spread(parts: list[np.ndarray]) -> float:
    away = np.abs(np.concatenate([*parts, np.empty(0, np.float32)]))
    if len(away) < LEAST_PIXELS:
        return 0.0
    # What lies within three robust deviations: a median alone would stand on the steps of stored values.
    inside = away[away <= 3 * MAD * max(float(np.median(away)), 1e-30)]
    return float(np.sqrt(np.mean(inside.astype(float) ** 2)) * WITHIN) if len(inside) else 0.0
