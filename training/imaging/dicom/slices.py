"""One slice of a DICOM series: where it lies and how its stored values become Hounsfield units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .codecs.native import native_frame_size
from .frames import Values, frame_values
from .header import TAGS, Header

RADIOGRAPH_MODALITIES = frozenset({"CR", "DX", "DR", "IO", "MG", "PX", "RF", "RG", "XA", "XC"})
_BINARY = frozenset(
    {"TemporalPositionIndex", "NominalPercentageOfCardiacPhase"}
)  # stored as numbers, not as text
_GEOMETRY = (
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "RescaleSlope",
    "RescaleIntercept",
)


@dataclass(slots=True)
class Slice:
    """A slice, or a frame of a multi-frame file. Vectors are DICOM's: (x, y, z) in LPS mm.

    Parameters
    ----------
    header
        The file's header.
    frame
        Number of the frame in the file, from 0.
    position
        Centre of the first pixel, or None.
    orientation
        Direction of a row (increasing column) and of a column (increasing row), or None.
    pixel_spacing
        Distance between rows and between columns, or None where absent or not positive.
    slope, intercept
        Of this slice.
    own
        What the functional groups say about the frame.
    said
        A sentence on what had to be derived, or ``""``.
    """

    header: Header
    frame: int
    position: tuple[float, float, float] | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, float] | None
    slope: float
    intercept: float
    own: Mapping[str, tuple[float, ...] | str] = field(default_factory=dict)
    said: str = ""

    @property
    def path(self) -> Path:
        """The file it is in."""
        return self.header.path

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.header.integer("Rows"), self.header.integer("Columns")

    @property
    def is_frame(self) -> bool:
        """Whether its file holds several."""
        return (self.header.numbers("NumberOfFrames") or (1.0,))[0] > 1

    def numbers(self, name: str) -> tuple[float, ...]:
        """The decimal strings of a tag: the frame's own, or the file's."""
        own = self.own.get(name)
        if isinstance(own, tuple):
            return own
        return self.header.numbers(name) if name in TAGS else ()

    def label(self, name: str) -> str:
        """The value of a tag as plain text: the frame's own, or the file's; ``""`` where there is none."""
        own = self.own.get(name)
        if own is not None:
            return own if isinstance(own, str) else "\\".join(f"{v:g}" for v in own)
        if name not in TAGS:
            return ""
        return self.header.text(name) if name in _BINARY else self.header.code(name)


def slices_of(header: Header) -> list[Slice]:
    """List the slices in one file: one, or as many as there are frames."""
    shared: Values = {name: header.numbers(name) for name in _GEOMETRY}
    correction = _corrected(header)
    frames = header.numbers("NumberOfFrames")
    count = int(frames[0]) if frames else 1
    if not frames or (count <= 1 and "PerFrameFunctionalGroupsSequence" not in header.dataset):
        return [_slice(header, 0, shared, said=correction)]
    per_frame, said = frame_values(header, max(1, count))
    said = " ".join(filter(None, (correction, said)))
    return [_slice(header, k, shared | own, own, said) for k, own in enumerate(per_frame)]


def _corrected(header: Header) -> str:
    """Count the frames by the bytes of uncompressed pixels, where NumberOfFrames announces more than these can be.

    A file that is cut off keeps its number: its pixels end before they say. One with a functional group for each frame may
    lack the number.
    """
    stated = header.numbers("NumberOfFrames")
    groups = header.dataset.get("PerFrameFunctionalGroupsSequence") or () if not stated else ()
    offset, length = header.pixel_offset or 0, header.pixel_length or 0
    if header.fragments is not None or (len(groups) < 2 and (not stated or stated[0] <= 1)):
        return ""
    size = native_frame_size(header)
    if header.integer("BitsAllocated", 16) == 1 or size == 0 or offset + length > header.file_size:
        return ""
    held, rest = divmod(length, size)
    if rest > 1 or held == 0 or (held != len(groups) if not stated else held >= stated[0]):
        return ""
    header.set_frames(held)
    announced = f"announces {stated[0]:.0f} frames" if stated else "does not say how many frames it has"
    return f"{header.path.name} {announced}, and its pixels are those of {held}: {held} are read."


def _slice(
    header: Header,
    frame: int,
    values: Values,
    own: Mapping[str, tuple[float, ...] | str] | None = None,
    said: str = "",
) -> Slice:
    position, orientation, spacing, slope, intercept = (
        value if isinstance(value := values[name], tuple) else () for name in _GEOMETRY
    )
    return Slice(
        header=header,
        frame=frame,
        position=(position[0], position[1], position[2]) if len(position) == 3 else None,
        orientation=orientation if len(orientation) == 6 and any(orientation) else None,
        pixel_spacing=(spacing[0], spacing[1]) if len(spacing) == 2 and min(spacing) > 0 else None,
        slope=(slope[:1] or (1.0,))[0]
        or 1.0,  # a slope of zero would erase the picture: some writers mean "none"
        intercept=(intercept[:1] or (0.0,))[0],
        own=own or {},
        said=said,
    )
