"""Slices that a series has twice: the same pixels at one place, an archive's compressed copy, or half a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...errors import ImageError
from ..header import Header
from ..pixels import stored_values
from ..slices import Slice
from .grouping import Part, along
from .phases import SAME_PLACE, place_numbers

_LOSSY = frozenset({"50", "51", "53", "55", "81", "91"})  # JPEG processes and their kin
_DEFLATED = "1.2.840.10008.1.2.1.99"  # offsets count in what is inflated


def without_copies(part: Part, prefer: Path | None) -> tuple[Part, str]:
    """Leave out slices whose pixels another one at their place has too, and cut-off ones beside a whole one."""
    if len(part.slices) < 2:
        return part, ""
    which = place_numbers(along(part.slices))
    if which.max() == len(which) - 1:
        return part, ""
    by_place: dict[int, list[Slice]] = {}
    for s, place in zip(part.slices, which, strict=True):
        by_place.setdefault(int(place), []).append(s)
    kept: list[Slice] = []
    dropped: list[Slice] = []
    for here in by_place.values():
        here.sort(key=lambda s: _rank_of_copy(s, prefer))
        intact = [s for s in here if not _is_cut_off(s.header)] or here
        own: list[Slice] = []
        for s in intact:
            (dropped if any(_is_copy(s, other) for other in own) else own).append(s)
        kept += own
        dropped += [s for s in here if all(s is not other for other in intact)]
    if not dropped:
        return part, ""
    names = listed(sorted(s.path.name for s in dropped))
    return replace(part, slices=kept), (
        f"{len(dropped)} duplicate slice(s) at the place of another one were left out ({names})."
    )


def _rank_of_copy(s: Slice, prefer: Path | None) -> tuple[object, ...]:
    return s.path != prefer, _is_lossy(s), s.header.code("SOPInstanceUID"), s.path, s.frame


def _is_cut_off(header: Header) -> bool:
    offset, length = header.pixel_offset, header.pixel_length
    return offset is not None and length is not None and length >= 0 and offset + length > header.file_size


def _is_lossy(s: Slice) -> bool:
    # Once lossy, a picture stays so in any transfer syntax.
    syntax = s.header.syntax.removeprefix("1.2.840.10008.1.2.4.")
    return syntax in _LOSSY or s.header.code("LossyImageCompression") == "01"


def _is_copy(a: Slice, b: Slice) -> bool:
    """Whether two slices of different files lie at one place and have the same pixels in Hounsfield units."""
    if a.path == b.path:
        return False
    if a.position and b.position and max(abs(u - v) for u, v in zip(a.position, b.position)) >= SAME_PLACE:
        return False
    number = a.header.code("InstanceNumber")
    lossy = _is_lossy(a), _is_lossy(b)
    if any(lossy) and (lossy[0] != lossy[1] or a.header.syntax != b.header.syntax):
        return number != "" and number == b.header.code("InstanceNumber")  # an archive's compressed copy
    if _is_stored_alike(a, b):
        return _same_bytes(a.header, b.header)
    try:
        first, second = (stored_values(s) * s.slope + s.intercept for s in (a, b))
    except ImageError:
        return False
    return np.array_equal(first, second)


def _is_stored_alike(a: Slice, b: Slice) -> bool:
    names = ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel")
    return (
        not (a.is_frame or b.is_frame)
        and a.header.syntax == b.header.syntax != _DEFLATED
        and (a.slope, a.intercept) == (b.slope, b.intercept)
        and a.header.pixel_offset is not None
        and b.header.pixel_offset is not None
        and all(a.header.integer(name, -1) == b.header.integer(name, -1) for name in names)
    )


def _same_bytes(a: Header, b: Header) -> bool:
    """Compare the pixels of two files block by block: different ones differ in the first."""
    length = a.pixel_length if a.pixel_length == b.pixel_length else -1
    try:
        with open(a.path, "rb") as first, open(b.path, "rb") as second:
            first.seek(a.pixel_offset or 0)
            second.seek(b.pixel_offset or 0)
            left = length if length is not None and length >= 0 else max(a.file_size, b.file_size)
            while left > 0:
                size = min(left, 1 << 16)
                block = first.read(size)
                if block != second.read(size):
                    return False
                if not block:
                    break
                left -= len(block)
    except OSError:
        return False
    return True


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first of some names, each once, and how many more there are."""
    counted = list(Counter(names))
    return ", ".join(counted[:most]) + (f" and {len(counted) - most} more" if len(counted) > most else "")
