"""How the stored values of a DICOM file lie in their words, how many there are, and what can be wrong with them."""

from __future__ import annotations

import numpy as np

from ..header import BitLayout, Header


class DamagedPixelsError(ValueError):
    """The pixels of a frame are incomplete or damaged; the message says how."""


class CutOffError(ValueError):
    """The file ends before the pixels of a frame do."""


class UnknownCodecError(NotImplementedError):
    """Nothing here reads the pixels' transfer syntax."""


def bit_layout(header: Header) -> BitLayout:
    """Read how many bits a stored value has and where they lie in its word.

    More bits stored than allocated, or a high bit that is too low for them, cannot be: then all bits count, from the lowest.
    """
    if header.bits is None:
        header.bits = _bit_layout(header)
    return header.bits


def _bit_layout(header: Header) -> BitLayout:
    allocated = header.integer("BitsAllocated", 16) or 16
    stored = header.integer("BitsStored", allocated)
    if not 0 < stored <= allocated:
        stored = allocated
    high = header.integer("HighBit", stored - 1)
    if not stored - 1 <= high < allocated:
        high = stored - 1
    return BitLayout(allocated, stored, high, header.integer("PixelRepresentation") == 1)


def frame_count(header: Header) -> int:
    """Number of frames, at least 1."""
    return max(1, int((header.numbers("NumberOfFrames") or (1,))[0]))


def keep_stored_bits(values: np.ndarray, bits: BitLayout) -> None:
    """Drop what old writers left in unused bits, and extend the sign, in place."""
    np.left_shift(values, bits.allocated - 1 - bits.high, out=values)
    np.right_shift(values, bits.allocated - bits.stored, out=values)
