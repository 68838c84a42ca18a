"""What voxels' values are and become: the two types of an `Image`, numbers only, and the window that a network sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from .errors import CorruptFileError

if TYPE_CHECKING:
    from torch import Tensor

Values = TypeVar("Values", np.ndarray, "Tensor")

AIR = -1024
"""Hounsfield units of what a scanner did not measure."""
NOWHERE = -2048
"""Hounsfield units beside the slices of a CT that was resampled: darker than air, so that it can be told from it."""
_BEYOND = 1e30  # the largest floats stand for "nothing" in some programs, and overflow in any sum
_HOUNSFIELD = -200  # a single slice with values below is CT


def as_int16_or_float32(values: np.ndarray) -> np.ndarray:
    """Convert to int16 where the numbers fit without loss, otherwise to float32."""
    if values.dtype == np.int16 or values.dtype == np.float32:
        return values
    if values.dtype.kind in "iub":
        limits = np.iinfo(np.int16)
        small = values.size == 0 or (values.min() >= limits.min and values.max() <= limits.max)
        return values.astype(np.int16 if small else np.float32)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and `finite` counts it
        return values.astype(np.float32)


def rescaled(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """Apply a slope and intercept; integers stay integers where both are whole numbers."""
    if slope == 1 and intercept == 0:
        return stored
    whole = (
        float(slope).is_integer()
        and float(intercept).is_integer()
        and max(abs(slope), abs(intercept)) < 1 << 15
    )
    if stored.dtype.kind in "iu" and stored.dtype.itemsize <= 2 and whole:
        return stored.astype(np.int32) * int(slope) + int(intercept)
    exact = np.dtype("f4" if stored.dtype.itemsize <= 2 or stored.dtype == np.float32 else "f8")
    with np.errstate(over="ignore", invalid="ignore"):
        return stored.astype(exact) * exact.type(slope) + exact.type(intercept)


def finite(values: np.ndarray, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Make air of values that are no finite number, and count them.

    Air is -1024 HU in a volume, and the darkest grey in a picture or in a single slice that is no CT.

    Parameters
    ----------
    values
        Any shape and type; returned as they are if all are numbers, and never changed in place.
    name
        What to call the image in the sentence.

    Returns
    -------
    values : numpy.ndarray
        Of the same type, finite.
    warnings : tuple of str
        One sentence, or none.

    Raises
    ------
    CorruptFileError
        More than half of the values are no numbers.
    """
    if values.dtype.kind != "f" or not values.size:
        return values, ()
    if values.min() > -_BEYOND and values.max() < _BEYOND:  # a NaN is the minimum of whatever holds it
        return values, ()
    bad = ~(np.abs(values) < _BEYOND)
    count = int(np.count_nonzero(bad))
    if 2 * count > values.size:
        raise CorruptFileError(
            f"{name} has {count:,} of {values.size:,} voxels that are no numbers (NaN or infinite): too few are left; "
            "export it again."
        )
    lowest = values[~bad].min()
    is_ct = lowest < _HOUNSFIELD or (values.ndim == 3 and min(values.shape) > 1)
    air = AIR if is_ct else lowest
    said = f"{count:,} of {values.size:,} voxels of {name} are no numbers (NaN or infinite): they were made air ({air:g})."
    return np.where(bad, values.dtype.type(air), values), (said,)


def window_to_unit(hu: Values, low: float, high: float) -> Values:
    """Scale Hounsfield units from the window `low` … `high` to 0–1, clipped; floating-point arrays and tensors alike."""
    return ((hu - low) / (high - low)).clip(0, 1)
