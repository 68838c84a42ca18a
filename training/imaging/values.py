"""What voxels' values are and become: the two types of an `Image`, and the window that a network sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Values = TypeVar("Values", np.ndarray, "Tensor")


def as_int16_or_float32(values: np.ndarray) -> np.ndarray:
    """Convert to int16 where the numbers fit without loss, otherwise to float32."""
    if values.dtype == np.int16 or values.dtype == np.float32:
        return values
    if values.dtype.kind in "iub":
        limits = np.iinfo(np.int16)
        small = values.size == 0 or (values.min() >= limits.min and values.max() <= limits.max)
        return values.astype(np.int16 if small else np.float32)
    return values.astype(np.float32)


def window_to_unit(hu: Values, low: float, high: float) -> Values:
    """Scale Hounsfield units from the window `low` … `high` to 0–1, clipped; floating-point arrays and tensors alike."""
    return ((hu - low) / (high - low)).clip(0, 1)
