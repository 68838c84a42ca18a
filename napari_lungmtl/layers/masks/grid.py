"""Masks on an image's own pixels: drawn into an array of labels, and read from one."""

from __future__ import annotations

import numpy as np

from ...training.findings import Mask
from ...training.imaging.image import Image


def pixels_of(mask: Mask, image: Image) -> tuple[slice, slice, np.ndarray]:
    """Rows and columns of a radiograph that a planar mask reaches, and which pixels there it holds (nearest pixel).

    Returns
    -------
    tuple
        Slices along y and x, clipped to the image, and a boolean array of their size.
    """
    spans = []
    for axis in range(2):
        low = mask.origin[axis] - mask.spacing[axis] / 2
        high = low + mask.spacing[axis] * mask.shape[axis]
        first = int(np.floor((low - image.origin[axis]) / image.scale[axis] + 0.5))
        last = int(np.ceil((high - image.origin[axis]) / image.scale[axis] + 0.5))
        size = image.shape[axis]
        spans.append(slice(min(max(first, 0), size), min(max(last, 0), size)))
    held = mask.to_array()
    picks, inside = [], []
    for axis, span in enumerate(spans):
        world = np.arange(span.start, span.stop) * image.scale[axis] + image.origin[axis]
        index = np.round((world - mask.origin[axis]) / mask.spacing[axis]).astype(int)
        inside.append((index >= 0) & (index < mask.shape[axis]))
        picks.append(index.clip(0, mask.shape[axis] - 1))
    return spans[0], spans[1], held[np.ix_(*picks)] & np.logical_and.outer(*inside)


def paint(labels: np.ndarray, mask: Mask, image: Image, number: int) -> None:
    """Write a number into the pixels (y, x) of an image that a planar mask holds."""
    rows, columns, held = pixels_of(mask, image)
    labels[rows, columns][held] = number


def mask_of(held: np.ndarray, image: Image) -> Mask | None:
    """The mask of a boolean array on the image's pixels, cut to what it holds; None where that is nothing."""
    rows, columns = np.flatnonzero(held.any(axis=1)), np.flatnonzero(held.any(axis=0))
    if not len(rows):
        return None
    part = held[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    corner = image.to_world((rows[0], columns[0]))
    return Mask.from_array(part, image.scale, (float(corner[0]), float(corner[1])))


def repainted(
    before: np.ndarray, after: np.ndarray, number: int, mask: Mask | None, image: Image
) -> Mask | None:
    """What a number holds after a stroke.

    Parameters
    ----------
    before, after
        Labels (y, x) before and after it.
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
        rows, columns, before_held = pixels_of(mask, image)
        untouched = before[rows, columns] == after[rows, columns]
        held[rows, columns] |= before_held & untouched
    return mask_of(held, image)
