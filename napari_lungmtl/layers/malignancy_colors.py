"""One colour scale for malignancy, wherever it is shown: blue (benign) over rose to orange (malignant).

The scale is a line through CIE Lab at nearly constant lightness (L* 63–66), so that it stands out from black lung and from
white tissue alike. Blue–yellow and red–green both grow along it: with any one kind of colour blindness one of the two is left
to tell the ends apart, and no value is taken for another. Rose in the middle keeps it off the greys of the image.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

STOPS = ("#3f9dff", "#8296e6", "#a68fcd", "#c187b4", "#d67f9c", "#e47a7e", "#ef7560", "#f86f3f", "#ff6a13")
"""The scale from 0 to 1 in equal steps (of Lab); in between, sRGB is interpolated."""
UNKNOWN_HEX = "#f5e663"
"""A yellow off the scale, for what nothing judged."""

Rgba = tuple[float, float, float, float]


def _rgba(color: str) -> Rgba:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, 1.0


UNKNOWN: Rgba = _rgba(UNKNOWN_HEX)
"""RGBA where malignancy is None."""
_TABLE = np.array([_rgba(color) for color in STOPS])
_PLACES = np.linspace(0.0, 1.0, len(STOPS))


def malignancy_colors(values: ArrayLike | Sequence[float | None]) -> np.ndarray:
    """Colours of many nodules.

    Parameters
    ----------
    values
        (n,) malignancies 0–1 (clipped to that); None or NaN where unknown.

    Returns
    -------
    ndarray
        RGBA (n, 4), 0–1; `UNKNOWN` where unknown.
    """
    p = np.array(values, float).reshape(-1)  # None becomes NaN
    colors = np.stack([np.interp(p, _PLACES, channel) for channel in _TABLE.T], axis=1)
    colors[np.isnan(p)] = UNKNOWN
    return colors


@lru_cache(maxsize=4096)
def malignancy_color(p: float | None) -> Rgba:
    """RGBA (0–1) of a malignancy 0–1; `UNKNOWN` for None."""
    red, green, blue, alpha = malignancy_colors([p])[0].tolist()
    return red, green, blue, alpha


def malignancy_hex(p: float | None) -> str:
    """The same as ``#rrggbb``, for Qt."""
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in malignancy_color(p)[:3])
