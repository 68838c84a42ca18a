"""One slice of a DICOM series: where it lies and how its stored values become Hounsfield units."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .header import Header

RADIOGRAPH_MODALITIES = frozenset({"CR", "DX", "DR", "IO", "MG", "PX", "RF", "RG", "XA", "XC"})


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
    """

    header: Header
    frame: int
    position: tuple[float, float, float] | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, float] | None
    slope: float
    intercept: float

    @property
    def path(self) -> Path:
        """The file it is in."""
        return self.header.path

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.header.integer("Rows"), self.header.integer("Columns")


def slices_of(header: Header) -> list[Slice]:
    """List the slices in one file: one, or as many as there are frames."""
    numbers = header.numbers
    shared = {
        "ImagePositionPatient": numbers("ImagePositionPatient"),
        "ImageOrientationPatient": numbers("ImageOrientationPatient"),
        "PixelSpacing": numbers("PixelSpacing"),
        "RescaleSlope": numbers("RescaleSlope"),
        "RescaleIntercept": numbers("RescaleIntercept"),
    }
    frames = numbers("NumberOfFrames")
    if not frames or frames[0] <= 1:
        return [_slice(header, 0, shared)]
    dataset = header.dataset
    common = _groups(next(iter(dataset.get("SharedFunctionalGroupsSequence") or []), None))
    per_frame = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    slices = []
    for frame in range(int(frames[0])):
        own = _groups(per_frame[frame] if frame < len(per_frame) else None)
        slices.append(_slice(header, frame, shared | common | own))
    return slices


def _groups(item: Any) -> dict[str, tuple[float, ...]]:
    """What a functional group says about geometry and values."""
    if item is None:
        return {}
    values = {}
    for sequence, names in {
        "PlanePositionSequence": ("ImagePositionPatient",),
        "PlaneOrientationSequence": ("ImageOrientationPatient",),
        "PixelMeasuresSequence": ("PixelSpacing",),
        "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept"),
    }.items():
        try:
            for macro in item.get(sequence) or []:
                for name in names:
                    value = macro.get(name)
                    if value is not None:
                        values[name] = tuple(
                            float(v) for v in (value if hasattr(value, "__iter__") else [value])
                        )
        except Exception:  # a damaged group is a missing one
            continue
    return values


def _slice(header: Header, frame: int, values: dict[str, tuple[float, ...]]) -> Slice:
    position, orientation = values["ImagePositionPatient"], values["ImageOrientationPatient"]
    spacing = values["PixelSpacing"]
    slope = values["RescaleSlope"][:1] or (1.0,)
    intercept = values["RescaleIntercept"][:1] or (0.0,)
    return Slice(
        header=header,
        frame=frame,
        position=position if len(position) == 3 else None,
        orientation=orientation if len(orientation) == 6 and any(orientation) else None,
        pixel_spacing=(spacing[0], spacing[1]) if len(spacing) == 2 and min(spacing) > 0 else None,
        slope=slope[0] or 1.0,  # a slope of zero would erase the picture: some writers mean "none"
        intercept=intercept[0],
    )
