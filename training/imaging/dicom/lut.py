"""Modality LUT and VOI LUT of a DICOM radiograph: from stored values to grayscale with dark air, one lookup per pixel.

DICOM puts four steps between file and screen (PS3.3 C.7.6.3, C.11.1, C.11.2, C.11.6): the modality LUT or rescale, the
VOI LUT or window, the presentation shape, and MONOCHROME1. Here the full depth survives: a linear window is only passed on,
while steps that bend the grey scale (tables, a sigmoid) are applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_LINEAR_WITHIN = 1.0  # grey levels of a table that is called linear


@dataclass(frozen=True)
class Grayscale:
    """Grey values on their way from the file to the screen.

    Parameters
    ----------
    values
        float64, any shape.
    ends
        Lowest and highest value that the step before can give.
    window
        Display window (centre, width), or None.
    """

    values: np.ndarray
    ends: tuple[float, float]
    window: tuple[float, float] | None = None


@dataclass(frozen=True)
class LookupTable:
    """A lookup table of DICOM (LUT Descriptor and LUT Data): input `first` gives entry 0, inputs beyond it its ends."""

    entries: np.ndarray
    first: int
    bits: int

    def __call__(self, values: np.ndarray) -> np.ndarray:
        index = np.rint(values).astype(np.int64) - self.first
        return self.entries[np.clip(index, 0, len(self.entries) - 1)]

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest output."""
        return 0.0, float(2**self.bits - 1)

    @property
    def window(self) -> tuple[float, float] | None:
        """The window that does the same, where the table is a rising straight line."""
        line = np.linspace(self.entries[0], self.entries[-1], len(self.entries))
        if line[-1] <= line[0] or np.abs(self.entries - line).max() > _LINEAR_WITHIN:
            return None
        return self.first + (len(line) - 1) / 2, float(len(line) - 1)


def apply_modality_voi_lut(
    stored: np.ndarray, tags: Dataset, slope: float, intercept: float, window: tuple[float, float] | None
) -> tuple[np.ndarray, tuple[float, float] | None]:
    """Apply modality LUT, VOI LUT and presentation shape: stored values become grayscale with dark air.

    Parameters
    ----------
    stored
        Stored values (h, w), integers.
    tags
        The header: bits, photometric interpretation, lookup tables, presentation shape.
    slope, intercept
        Rescale of the modality LUT.
    window
        First window (centre, width) of the header, or None. Of a window and a VOI LUT, which are alternatives, it is taken.

    Returns
    -------
    values : numpy.ndarray
        int16 where all possible values are whole and fit, otherwise float32. A MONOCHROME1 file and its MONOCHROME2
        counterpart give equal values.
    window : tuple of float, or None
        (centre, width) on these values.

    Raises
    ------
    ValueError
        A lookup table cannot be understood.
    """
    low, high = stored_range(tags)
    below, above = min(low, int(stored.min())), max(high, int(stored.max()))
    if above - below >= 1 << 17:  # 32-bit pixels: no table of all values
        steps = _converted(Grayscale(stored.astype(np.float64), (low, high), window), tags, slope, intercept)
        return _narrow(steps.values), steps.window
    steps = _converted(
        Grayscale(np.arange(below, above + 1, dtype=np.float64), (low, high), window), tags, slope, intercept
    )
    lut = _narrow(steps.values)
    return lut[stored if below == 0 else stored.astype(np.int32) - below], steps.window


def stored_range(tags: Dataset) -> tuple[int, int]:
    """Return the lowest and the highest value that the stored bits can hold."""
    bits = int(tags.get("BitsStored") or 16)
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if tags.get("PixelRepresentation") else (0, 2**bits - 1)


def _converted(grayscale: Grayscale, tags: Dataset, slope: float, intercept: float) -> Grayscale:
    bright_air = tags.get("PhotometricInterpretation") == "MONOCHROME1"
    # In a DX image the shape repeats what MONOCHROME1 says already (PS3.3 C.8.11.3): together they invert once.
    bright_air = bright_air or tags.get("PresentationLUTShape") == "INVERSE"
    grayscale = _after_voi_lut(_after_modality_lut(grayscale, tags, slope, intercept), tags)
    return _inverted(grayscale) if bright_air else grayscale


def _after_modality_lut(grayscale: Grayscale, tags: Dataset, slope: float, intercept: float) -> Grayscale:
    """After the modality LUT, or the rescale where there is none."""
    table = _lookup_table(tags, "ModalityLUTSequence", grayscale.ends)
    if table is not None:
        return Grayscale(table(grayscale.values), table.ends, grayscale.window)
    ends = sorted(slope * end + intercept for end in grayscale.ends)
    return Grayscale(slope * grayscale.values + intercept, (ends[0], ends[1]), grayscale.window)


def _after_voi_lut(grayscale: Grayscale, tags: Dataset) -> Grayscale:
    """After the VOI LUT where it bends the grey scale; a straight one stays, as a window."""
    low, high = grayscale.ends
    whole = (low + high) / 2, high - low
    if grayscale.window is not None:
        if str(tags.get("VOILUTFunction") or "").upper() != "SIGMOID":
            return grayscale
        center, width = grayscale.window
        # PS3.3 C.11.2.1.3.1
        values = low + (high - low) / (
            1 + np.exp(np.clip(-4 * (grayscale.values - center) / width, -500, 500))
        )
        return Grayscale(values, grayscale.ends, whole)
    table = _lookup_table(tags, "VOILUTSequence", grayscale.ends)
    if table is None:
        return grayscale
    if table.window is not None:
        return Grayscale(grayscale.values, grayscale.ends, table.window)
    low, high = table.ends
    return Grayscale(table(grayscale.values), table.ends, ((low + high) / 2, high - low))


def _inverted(grayscale: Grayscale) -> Grayscale:
    total = sum(grayscale.ends)
    window = None if grayscale.window is None else (total - grayscale.window[0], grayscale.window[1])
    return Grayscale(total - grayscale.values, grayscale.ends, window)


def _lookup_table(tags: Dataset, sequence: str, inputs: tuple[float, float]) -> LookupTable | None:
    """The first table of a sequence, or None where there is none."""
    items = tags.get(sequence)
    if not items:
        return None
    try:
        count, first, bits = (int(v) for v in items[0].LUTDescriptor)
        data = items[0].LUTData
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"its {sequence} is incomplete") from error
    count = count % 65536 or 65536  # 0 stands for 65536, and a signed descriptor wraps
    if first > inputs[1] and first - 65536 <= inputs[1]:
        first -= 65536  # a negative first input, written unsigned
    if isinstance(data, bytes):
        big = getattr(tags, "original_encoding", (None, True))[1] is False
        data = np.frombuffer(data, ">u2" if big else "<u2")
    entries = np.atleast_1d(np.asarray(data, np.int64)) % 65536
    if len(entries) < count or not 1 <= bits <= 16:
        raise ValueError(f"its {sequence} has {len(entries)} of {count} entries of {bits} bits")
    return LookupTable(entries[:count].astype(np.float64), first, bits)


def _narrow(values: np.ndarray) -> np.ndarray:
    whole = np.array_equal(values, np.rint(values))
    fits = values.min() >= -32768 and values.max() <= 32767
    return values.astype(np.int16 if whole and fits else np.float32)
