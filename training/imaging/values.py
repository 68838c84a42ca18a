"""What voxels' values become before a network sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Values = TypeVar("Values", np.ndarray, "Tensor")


def window_to_unit(hu: Values, low: float, high: float) -> Values:
    """Scale Hounsfield units from the window `low` … `high` to 0–1, clipped; floating-point arrays and tensors alike."""
    return ((hu - low) / (high - low)).clip(0, 1)
