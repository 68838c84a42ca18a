"""Modality LUT and VOI LUT of a DICOM radiograph: from stored values to grayscale with dark air, one lookup per pixel.

DICOM puts four steps between file and screen (PS3.3 C.7.6.3, C.11.1, C.11.2, C.11.6): the modality LUT or rescale, the
VOI LUT or window, the presentation shape, and MONOCHROME1. Here the full depth survives: a linear window is only passed on,
while steps that bend the grey scale (tables, a sigmoid) are applied.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from .header import BitLayout, Header

_ABSENT = -(1 << 40)
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
        Stored values (h, w), finite.
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
    if stored.dtype.kind == "f":
        below, above = low, high = float(stored.min()), float(stored.max())
    else:
        low, high = stored_range(tags)
        below, above = min(low, int(stored.min())), max(high, int(stored.max()))
    if stored.dtype.kind == "f" or above - below >= 1 << 17:  # 32-bit pixels: no table of all values
        steps = _converted(Grayscale(stored.astype(np.float64), (low, high), window), tags, slope, intercept)
        return narrow(steps.values), steps.window
    steps = _converted(
        Grayscale(np.arange(below, above + 1, dtype=np.float64), (low, high), window), tags, slope, intercept
    )
    lut = narrow(steps.values)
    return lut[stored if below == 0 else stored.astype(np.int32) - int(below)], steps.window


def stored_range(tags: Dataset) -> tuple[int, int]:
    """Return the lowest and the highest value that the stored bits can hold."""
    allocated = int(tags.get("BitsAllocated") or 16)
    bits = int(tags.get("BitsStored") or allocated)
    bits = bits if 0 < bits <= allocated else allocated
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if tags.get("PixelRepresentation") else (0, 2**bits - 1)


def _converted(grayscale: Grayscale, tags: Dataset, slope: float, intercept: float) -> Grayscale:
    bright_air = tags.get("PhotometricInterpretation") == "MONOCHROME1"
    # In a DX image the shape repeats what MONOCHROME1 says already (PS3.3 C.8.11.3): together they invert once.
    bright_air = bright_air or tags.get("PresentationLUTShape") == "INVERSE"
    grayscale = _after_voi_lut(_after_modality_lut(grayscale, tags, slope, intercept), tags)
    return _inverted(grayscale) if bright_air else grayscale


def _after_modality_lut(grayscale: Grayscale, tags: Dataset, slope: float, intercept: float) -> Grayscale:
    """After the modality LUT, or the rescale where there is none."""
    table = lookup_table(tags, "ModalityLUTSequence", grayscale.ends)
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
    table = lookup_table(tags, "VOILUTSequence", grayscale.ends)
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


def lookup_table(tags: Dataset, sequence: str, inputs: tuple[float, float]) -> LookupTable | None:
    """Read the first table of a sequence that has data, or None where there is none.

    Parameters
    ----------
    tags
        The header.
    sequence
        Keyword.
    inputs
        Lowest and highest value that goes in.

    Raises
    ------
    ValueError
        The table is incomplete.
    """
    items = [item for item in _items(tags, sequence) if "LUTData" in item and item["LUTData"].value]
    if not items:
        return None
    big = getattr(tags, "original_encoding", (None, True))[1] is False
    try:
        count, first, bits = _shorts(items[0]["LUTDescriptor"].value, ">" if big else "<")
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise ValueError(f"its {sequence} is incomplete") from error
    count = count % 65536 or 65536  # 0 stands for 65536, and a signed descriptor wraps
    if first > inputs[1] and first - 65536 <= inputs[1]:
        first -= 65536  # a negative first input, written unsigned
    elif first < 0 and first + count <= inputs[0]:
        first += 65536  # a large first input, written signed
    entries = _entries(items[0]["LUTData"].value, count, bits, big)
    if len(entries) < count:
        raise ValueError(f"its {sequence} has {len(entries)} of {count} entries of {bits} bits")
    entries = entries[:count].astype(np.float64)
    # What the descriptor says of the bits is often wrong: the entries tell.
    return LookupTable(entries, first, max(1, int(entries.max()).bit_length()))


def has_empty_table(tags: Dataset, sequence: str) -> bool:
    """Whether a sequence has items, and none with a table."""
    try:
        items = _items(tags, sequence)
    except ValueError:  # a damaged one is told where it is applied
        return False
    return bool(items) and not any("LUTData" in item and item["LUTData"].value for item in items)


def _items(tags: Dataset, sequence: str) -> list[Dataset]:
    try:
        items = tags.get(sequence)
    except Exception as error:  # whatever pydicom makes of damaged bytes
        raise ValueError(f"its {sequence} is damaged ({error})") from error
    return list(items) if items and not isinstance(items, (bytes, str)) else []


def _shorts(value: object, order: str) -> tuple[int, int, int]:
    if isinstance(value, bytes):
        value = struct.unpack(f"{order}3H", value[:6])
    count, first, bits = (int(v) for v in value)  # type: ignore[attr-defined]
    return count, first, bits


def _entries(data: object, count: int, bits: int, big: bool) -> np.ndarray:
    """The entries of a table: words, or bytes where there are as many bytes as entries of at most 8 bits."""
    order = ">" if big else "<"
    if not isinstance(data, bytes):
        data = (np.atleast_1d(np.asarray(data, np.int64)) % 65536).astype(f"{order}u2").tobytes()
    if bits <= 8 and count <= len(data) <= count + 1 and count > 1:
        entries = np.frombuffer(data, np.uint8)
        # Two to a word, the first in its low byte (PS3.3 C.11.1.1.1).
        return entries.reshape(-1, 2)[:, ::-1].ravel() if big and len(data) % 2 == 0 else entries
    return np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2")


def padding_range(header: Header, bits: BitLayout) -> tuple[int, int] | None:
    """Read lowest and highest stored value of padding (Pixel Padding Value and Range Limit), or None.

    They count as the pixels do, signed or not, whatever VR they were written with.
    """
    ends = []
    for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        value = header.integer(name, _ABSENT)
        if value != _ABSENT:
            word = value % (1 << min(bits.allocated, 16))
            ends.append(word - (1 << 16) if bits.signed and word >= 1 << 15 else word)
        elif not ends:
            return None
    return min(ends), max(ends)


def padding_mask(stored: np.ndarray, span: tuple[int, int], *, at_edge: bool) -> np.ndarray | None:
    """Mask padding in stored values.

    Parameters
    ----------
    stored
        (h, w).
    span
        Lowest and highest value of padding.
    at_edge
        Only where it reaches the edge of the picture: a saturated pixel in the chest may have padding's value.

    Returns
    -------
    numpy.ndarray or None
        Boolean (h, w), or None where there is none.
    """
    mask = stored == span[0] if span[0] == span[1] else (stored >= span[0]) & (stored <= span[1])
    if not mask.any():
        return None
    if not at_edge:
        return mask
    import cc3d

    parts = cc3d.connected_components(mask, connectivity=4)
    outside = np.zeros(int(parts.max()) + 1, bool)
    for line in (parts[0], parts[-1], parts[:, 0], parts[:, -1]):
        outside[line] = True
    outside[0] = False
    padding = outside[parts]
    return padding if padding.any() else None


def narrow(values: np.ndarray) -> np.ndarray:
    """Convert to int16 where all values are whole and fit, otherwise to float32."""
    whole = np.array_equal(values, np.rint(values))
    fits = values.min() >= -32768 and values.max() <= 32767
    return values.astype(np.int16 if whole and fits else np.float32)
