"""Coloured pictures that are grey in truth, and those that are not."""

from __future__ import annotations

import numpy as np
from PIL import Image as Picture

COLORED = 0.08
"""Part of the grey range by which a channel of a coloured pixel strays from what its brightness lets expect."""
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow's
_STEP = 4  # colours are looked for in every fourth pixel


def to_grayscale(rgb: np.ndarray) -> tuple[np.ndarray, float]:
    """Convert a coloured picture to its luminance, and measure which fraction of it is coloured.

    Parameters
    ----------
    rgb
        (h, w, 3), unsigned integers.

    Returns
    -------
    gray : numpy.ndarray
        (h, w), of the same type.
    fraction : float
        0 to 1: part of the pixels that are coloured. A tint of the whole picture, as of a radiograph photographed on a blue light
        box, does not count: each channel follows from the brightness there.
    """
    if rgb.dtype == np.uint8:
        gray = np.asarray(Picture.fromarray(np.ascontiguousarray(rgb)).convert("L"))
    else:
        gray = np.rint(rgb.astype(np.float32) @ _LUMINANCE).astype(rgb.dtype)
    return gray, _colored(rgb[::_STEP, ::_STEP].astype(np.float64))


def _colored(rgb: np.ndarray) -> float:
    gray = rgb @ _LUMINANCE
    reach = rgb.max() - rgb.min()
    if not reach > 0:
        return 0.0
    centered = gray - gray.mean()
    power = (centered**2).sum()
    strays = np.zeros(gray.shape)
    for channel in np.moveaxis(rgb, -1, 0):
        slope = (centered * channel).sum() / power if power > 0 else 0.0
        strays = np.maximum(strays, np.abs(channel - channel.mean() - slope * centered))
    return float((strays > COLORED * reach).mean())
