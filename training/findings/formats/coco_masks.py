"""Regions in COCO's annotations: run lengths, packed or not, and polygons.

Run lengths go down the columns of the image, first the pixels outside (possibly 0), then those inside, in turn. The packed form
writes each run as its difference from the run two places before, in groups of five bits from the lowest, one character each:
48 + bits, + 32 where more follow. cocodataset.org, format of data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .json_values import checked, integer, numbers

_LARGEST = 2**31
"""Pixels that an image may have at most, so that a damaged file does not ask for all memory."""


def rle_of(mask: np.ndarray) -> dict[str, Any]:
    """Run lengths of a boolean array (h, w), not packed."""
    flat = np.asarray(mask, bool).ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    ends = np.concatenate([[0], edges, [flat.size]])
    counts = np.diff(ends).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if flat.size and flat[0] else counts}


def mask_of(segmentation: Any, shape: tuple[int, int]) -> np.ndarray:
    """The boolean array (h, w) of an annotation's ``segmentation``, whichever form it has.

    Raises
    ------
    TypeError, ValueError
        It is no segmentation of an image of that size.
    """
    if shape[0] * shape[1] > _LARGEST:
        raise ValueError(f"no image has {shape[0]} × {shape[1]} pixels")
    if isinstance(segmentation, dict):
        return _from_rle(segmentation, shape)
    mask = np.zeros(shape, bool)
    for ring in checked(segmentation, list):
        mask |= _from_polygon(numbers(ring), shape)
    return mask


def _from_rle(rle: dict[str, Any], shape: tuple[int, int]) -> np.ndarray:
    size = [integer(n) for n in checked(rle.get("size"), list)]
    if tuple(size) != tuple(shape):
        raise ValueError(f"its run lengths are for {size}, but the image has {list(shape)} (height, width)")
    written = rle.get("counts")
    counts = unpacked(written) if isinstance(written, str) else [integer(n) for n in checked(written, list)]
    if min(counts, default=0) < 0 or sum(counts) != shape[0] * shape[1]:
        raise ValueError(f"its run lengths do not add up to the image's {shape[0]} × {shape[1]} pixels")
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(shape, order="F")


def unpacked(text: str) -> list[int]:
    """The run lengths of a packed text."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"{character!r} does not belong into packed run lengths")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the packed run lengths are cut off")
    return counts


def _from_polygon(ring: Sequence[float], shape: tuple[int, int]) -> np.ndarray:
    """The pixels whose middle lies inside a ring of x, y, x, y … in edge coordinates."""
    from skimage.draw import polygon2mask

    if len(ring) < 6 or len(ring) % 2:
        raise ValueError("a polygon has three points or more, each with x and y")
    return polygon2mask(shape, np.reshape(ring, (-1, 2))[:, ::-1] - 0.5)
