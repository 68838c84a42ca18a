"""Masks in NumPy: how well two agree, and the ellipse that stands for a nodule where only its box is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def dice(mask: np.ndarray, truth: np.ndarray) -> float:
    """Compute the Dice coefficient 2 |A ∩ B| / (|A| + |B|), 0–1; 1 where both are empty.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    both, total = _sizes(mask, truth)
    return 2 * both / total if total else 1.0


def mask_iou(mask: np.ndarray, truth: np.ndarray) -> float:
    """Compute the intersection over union |A ∩ B| / |A ∪ B|, 0–1; 1 where both are empty."""
    both, total = _sizes(mask, truth)
    return both / (total - both) if total else 1.0


def _sizes(mask: np.ndarray, truth: np.ndarray) -> tuple[int, int]:
    if mask.shape != truth.shape:
        raise ValueError(f"masks of shapes {mask.shape} and {truth.shape}")
    one, two = np.asarray(mask, bool), np.asarray(truth, bool)
    return int((one & two).sum()), int(one.sum()) + int(two.sum())


def ellipses(boxes: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Draw the ellipses that fill boxes (n, 4) into a boolean mask (h, w); each covers at least the pixel in its middle.

    Parameters
    ----------
    boxes
        x0, y0, x1, y1 in pixels, edge coordinates.
    """
    mask = np.zeros(shape, bool)
    for x0, y0, x1, y1 in boxes:
        middle, radius = ((y0 + y1) / 2, (x0 + x1) / 2), ((y1 - y0) / 2, (x1 - x0) / 2)
        y, x = (((np.arange(n) + 0.5 - m) / r) ** 2 for n, m, r in zip(shape, middle, radius, strict=True))
        mask |= y[:, None] + x[None] <= 1
        inside = (int(np.clip(m, 0, n - 1)) for m, n in zip(middle, shape, strict=True))
        mask[tuple(inside)] = True
    return mask
