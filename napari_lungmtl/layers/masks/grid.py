"""Masks on an image's own pixels: drawn into an array of labels, and read from one."""

from __future__ import annotations

from functools import reduce

import numpy as np

from ...training.findings import Mask
from ...training.imaging.image import Image


def pixels_of(mask: Mask, image: Image) -> tuple[tuple[slice, ...], np.ndarray]:
    """Which pixels (or voxels) of an image a mask reaches, and which of them it holds (the nearest one counts).

    Returns
    -------
    tuple
        Slices along each axis, clipped to the image, and a boolean array of their size.
    """
    spans, picks, inside = [], [], []
    for axis, size in enumerate(image.shape):
        low = mask.origin[axis] - mask.spacing[axis] / 2
        high = low + mask.spacing[axis] * mask.shape[axis]
        first = int(np.floor((low - image.origin[axis]) / image.scale[axis] + 0.5))
        last = int(np.ceil((high - image.origin[axis]) / image.scale[axis] + 0.5))
        span = slice(min(max(first, 0), size), min(max(last, 0), size))
        world = np.arange(span.start, span.stop) * image.scale[axis] + image.origin[axis]
        index = np.round((world - mask.origin[axis]) / mask.spacing[axis]).astype(int)
        spans.append(span)
        inside.append((index >= 0) & (index < mask.shape[axis]))
        picks.append(index.clip(0, mask.shape[axis] - 1))
    return tuple(spans), mask.to_array()[np.ix_(*picks)] & reduce(np.logical_and.outer, inside)


def paint(labels: np.ndarray, mask: Mask, image: Image, number: int) -> None:
    """Write a number into the pixels of an image that a mask holds."""
    spans, held = pixels_of(mask, image)
    labels[spans][held] = number


def mask_of(held: np.ndarray, image: Image) -> Mask | None:
    """The mask of a boolean array on the image's pixels, cut to what it holds; None where that is nothing."""
    index = np.argwhere(held)
    return Mask.from_voxels(index, image.scale, image.origin) if len(index) else None


def components(mask: Mask) -> list[Mask]:
    """The pieces of a mask that touch nowhere, also not by their corners, the largest first."""
    from scipy.ndimage import label

    held = mask.to_array()
    pieces, count = label(held, np.ones((3,) * held.ndim))
    index = [np.argwhere(pieces == n) for n in range(1, count + 1)]
    return [Mask.from_voxels(i, mask.spacing, mask.origin) for i in sorted(index, key=len, reverse=True)]


def repainted(
    before: np.ndarray, after: np.ndarray, number: int, mask: Mask | None, image: Image
) -> Mask | None:
    """What a number holds after a stroke.

    Parameters
    ----------
    before, after
        Labels before and after it, of the image's shape.
    number
        Which label.
    mask
        What it held before, also where another label lay on top; None where it is new.

    Returns
    -------
    Mask or None
        On the image's pixels; None where nothing is left.
    """
    held = after == number
    if mask is not None:
        spans, before_held = pixels_of(mask, image)
        held[spans] |= before_held & (before[spans] == after[spans])
    return mask_of(held, image)
