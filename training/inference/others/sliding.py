"""Windows that slide over a volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from ..predictor import PredictorError

MOST_VOXELS = 1 << 30
"""What a network of another make may see of a scan, with what is put beside it: its file may name any size."""
MOST_WINDOWS = 100_000


def require_size(shape: Sequence[int]) -> None:
    """Refuse a volume that would take all memory, before it is made.

    Raises
    ------
    PredictorError
        It has more than `MOST_VOXELS`.
    """
    if (voxels := math.prod(shape)) > MOST_VOXELS:
        raise PredictorError(
            f"The network's file makes {voxels:,} voxels of this scan, and {MOST_VOXELS:,} are the most: correct the voxel "
            "size, the window or the multiples in it."
        )


def windows(
    shape: Sequence[int], patch: Sequence[int], overlap: float, step: Sequence[int]
) -> list[tuple[slice, ...]]:
    """Where windows slide over a volume; each begins on multiples of `step`.

    Parameters
    ----------
    shape, patch
        (3,) voxels of the volume and of a window, multiples of `step`; a window is not larger than the volume.
    overlap
        The fraction that neighbours share at least.

    Raises
    ------
    PredictorError
        There are more than `MOST_WINDOWS`.
    """
    starts = []
    for n, size, whole in zip(shape, patch, step, strict=True):
        stride = max(int(size * (1 - overlap)) // whole, 1) * whole
        starts.append([*range(0, n - size, stride), n - size])
    if (count := math.prod(map(len, starts))) > MOST_WINDOWS:
        raise PredictorError(
            f"The network's file makes {count:,} windows of this scan, and {MOST_WINDOWS:,} are the most: correct the window, "
            "its overlap or the voxel size in it."
        )
    return [
        tuple(slice(first, first + size) for first, size in zip(corner, patch, strict=True))
        for corner in product(*starts)
    ]
