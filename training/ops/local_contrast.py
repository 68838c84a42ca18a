"""A radiograph beside what of it differs from its surroundings: a nodule of a twentieth of the grey range is faint in the one and
plain in the other."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

COARSE = 4
"""Surroundings are averaged on a grid so many times coarser, which costs next to nothing."""
LEAST = 0.02
"""Standard deviation (grey values 0–1) that even the evenest surroundings are taken to have."""
MOST = 4.0
"""Standard deviations at which it is clipped."""


def with_local_contrast(radiographs: Tensor) -> Tensor:
    """Stack radiographs (B, h, w) of grey values 0–1 with their local contrast: (B, 2, h, w), the values − 0.5 over 0.25 first.

    Local contrast is what Jarrett et al. (doi:10.1109/ICCV.2009.5459469, 2.1) call subtractive and divisive normalisation: minus
    the mean, over the standard deviation, of a window of about 7 % of the radiograph (30 mm of a thorax), h and w being multiples
    of `COARSE`.
    """
    x = radiographs[:, None]
    size = 2 * max(1, round(x.shape[-1] / 128)) + 1
    mean, square = (_smooth(v, size) for v in (x, x * x))
    sd = (square - mean * mean).clamp(min=LEAST**2).sqrt()
    local = ((x - mean) / sd).clamp(-MOST, MOST)
    return torch.cat([(x - 0.5) / 0.25, local], 1)


def _smooth(x: Tensor, size: int) -> Tensor:
    small = functional.avg_pool2d(x, COARSE)
    for _ in range(2):  # twice a box is near enough to a bell
        small = functional.avg_pool2d(small, size, 1, size // 2, count_include_pad=False)
    return functional.interpolate(small, x.shape[-2:], mode="bilinear", align_corners=False)
