"""The fragments of encapsulated pixels, divided among frames (PS3.5 A.4)."""

from __future__ import annotations

from collections.abc import Callable

from ..container import Fragments
from ..header import Header
from .bits import CutOffError, DamagedPixelsError, frame_count

_Place = tuple[int, int]


def frame_stream(header: Header, frame: int) -> bytes:
    """Read the bitstream of a frame, joined from its fragments.

    Raises
    ------
    CutOffError, DamagedPixelsError
        It is not there.
    """
    assert header.fragments is not None
    with header.open() as file:

        def begins(place: _Place) -> bytes:
            file.seek(place[0])
            return file.read(min(place[1], 8))

        frames = fragments_of(header.fragments, frame_count(header), begins)
        if frame >= len(frames):
            if header.fragments.end is None:
                raise CutOffError(f"{len(frames)} of {frame_count(header)} frames are there")
            raise DamagedPixelsError(
                f"{frame_count(header)} frames are announced and {len(frames)} are there"
            )
        parts = []
        for offset, length in frames[frame]:
            file.seek(offset)
            parts.append(file.read(length))
    return b"".join(parts)


def fragments_of(fragments: Fragments, count: int, begins: Callable[[_Place], bytes]) -> list[list[_Place]]:
    """Divide fragments into frames: by the offset table if it is right, one each, or where bitstreams begin.

    Parameters
    ----------
    fragments
        All of the file.
    count
        How many frames there should be.
    begins
        Gives the first bytes of a fragment.

    Raises
    ------
    DamagedPixelsError
        They cannot be told apart.
    """
    if fragments.frames is None:
        fragments.frames = _divided(fragments, count, begins)
    return fragments.frames


def _divided(fragments: Fragments, count: int, begins: Callable[[_Place], bytes]) -> list[list[_Place]]:
    places = fragments.places
    if count == 1 or not places:
        return [places] if places and fragments.end is not None else []
    by_table = _by_offset_table(fragments, count)
    if by_table is not None:
        return by_table
    if len(places) == count and fragments.delimited:
        return [[place] for place in places]
    firsts = [i for i, place in enumerate(places) if codec_start(begins(place))]
    frames = [places[a:b] for a, b in zip(firsts, [*firsts[1:], len(places)], strict=True)]
    if firsts[:1] == [0] and len(frames) == count and fragments.delimited:
        return frames
    if firsts[:1] == [0] and len(frames) <= count and not fragments.delimited:
        return frames if len(frames) == len(places) else frames[:-1]
    raise DamagedPixelsError(
        f"{count} frames are announced, and {len(places)} fragments cannot be divided among them"
    )


def _by_offset_table(fragments: Fragments, count: int) -> list[list[_Place]] | None:
    """The frames as the offset table says, those that a cut-off file still has; None where the table is absent or wrong."""
    places, table = fragments.places, list(fragments.table)
    if len(table) != count or table[0] != 0 or table != sorted(set(table)):
        return None
    starts = [offset - places[0][0] for offset, _ in places]
    end = starts[-1] + 8 + places[-1][1]
    there = [t for t in table if t <= starts[-1]]
    if not set(there) <= set(starts) or (len(there) < count and fragments.delimited):
        return None
    firsts = [starts.index(t) for t in there]
    frames = [places[a:b] for a, b in zip(firsts, [*firsts[1:], len(places)], strict=True)]
    last_is_whole = table[len(there)] == end if len(there) < count else fragments.end is not None
    return frames if last_is_whole else frames[:-1]


def codec_start(first: bytes) -> bool:
    """Whether a fragment's first bytes begin a bitstream."""
    jpeg_or_rle = first[:3] == b"\xff\xd8\xff" or first[4:8] == b"\x40\0\0\0"
    return jpeg_or_rle or first[:4] == b"\xff\x4f\xff\x51" or first == b"\0\0\0\x0cjP  "
