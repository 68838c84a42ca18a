"""Multi-frame files: what each frame says about itself, and where frames lie that do not say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .header import Header

Values = dict[str, tuple[float, ...] | str]

_NUMBERS = frozenset(
    (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
        "SliceThickness",
        "SpacingBetweenSlices",
        "SliceLocation",
        "InStackPositionNumber",
        "WindowCenter",
        "WindowWidth",
    )
)
_TEXTS = frozenset(
    (
        "StackID",
        "FrameType",
        "InstanceNumber",
        "AcquisitionNumber",
        "FrameAcquisitionNumber",
        "FrameAcquisitionDateTime",
        "AcquisitionTime",
        "TemporalPositionIndex",
        "TemporalPositionIdentifier",
        "TemporalPositionTimeOffset",
        "NominalPercentageOfCardiacPhase",
        "NominalCardiacTriggerDelayTime",
        "TriggerTime",
        "ConvolutionKernel",
        "ContrastBolusAgentAdministered",
        "ContrastBolusAgentPhase",
        "ContrastBolusAgent",
        "KVP",
    )
)
_INDEX = "DimensionIndexValues"


def frame_values(header: Header, count: int) -> tuple[list[Values], str]:
    """Collect what the functional groups say about each frame: geometry and rescale as numbers, the rest as text.

    Frames of one position in the whole file are placed by the distance that the header states; where it states none, they
    get an empty position.

    Parameters
    ----------
    header
        Of a file with functional groups, or of a plain multi-frame file.
    count
        Number of frames.

    Returns
    -------
    values : list of dict
        For each frame; only what the groups say.
    said : str
        A sentence on places that had to be derived, or ``""``.
    """
    dataset = header.dataset
    names = _dimension_names(dataset)
    shared = _collected(next(iter(dataset.get("SharedFunctionalGroupsSequence") or []), None), names)
    per_frame = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])
    frames = [shared | _collected(per_frame[k] if k < len(per_frame) else None, names) for k in range(count)]
    return frames, _place(header, frames) if count > 1 else ""


def _collected(item: Any, dimensions: Sequence[str]) -> Values:
    """What the macros of a functional group say; those that a converter did not understand are among them."""
    values: Values = {}
    for keyword, value in _elements(item):
        try:
            if keyword in _NUMBERS:
                values[keyword] = tuple(float(v) for v in (value if _is_many(value) else [value]))
            elif keyword in _TEXTS:
                values[keyword] = "\\".join(map(str, value)) if _is_many(value) else str(value)
            elif keyword == _INDEX:
                indices = value if _is_many(value) else [value]
                values |= {name: str(i) for name, i in zip(dimensions, indices, strict=False)}
        except (TypeError, ValueError):  # a damaged value is a missing one
            continue
    return values


def _elements(item: Any) -> Iterator[tuple[str, Any]]:
    if item is None:
        return
    for tag in list(item.keys()):
        try:
            macro = next(iter(item[tag].value or []), None) if item[tag].VR == "SQ" else None
            if macro is None:
                continue
            elements = [(macro[inner].keyword, macro[inner].value) for inner in list(macro.keys())]
        except Exception:  # a damaged group is a missing one
            continue
        yield from ((keyword, value) for keyword, value in elements if value is not None and value != "")


def _is_many(value: object) -> bool:
    return not isinstance(value, str) and hasattr(value, "__iter__")


def _dimension_names(dataset: Any) -> list[str]:
    """A name for each column of the dimension index values: ``Dimension 1 TemporalPositionIndex``."""
    from pydicom.datadict import keyword_for_tag

    names = []
    for k, item in enumerate(dataset.get("DimensionIndexSequence") or []):
        try:
            keyword = keyword_for_tag(item.DimensionIndexPointer)
        except Exception:  # a private or absent pointer
            keyword = ""
        names.append(f"Dimension {k + 1} {keyword}".strip())
    return names or [f"Dimension {k + 1}" for k in range(8)]


def _place(header: Header, frames: list[Values]) -> str:
    """Give frames that share one position places of their own."""
    top = header.numbers("ImagePositionPatient")
    positions = [values.get("ImagePositionPatient") or top for values in frames]
    if not top and not any(positions):
        return ""
    if any(p != positions[0] for p in positions) or _tells_times(frames):
        return ""
    name = header.path.name
    orientation = frames[0].get("ImageOrientationPatient") or header.numbers("ImageOrientationPatient")
    offsets, source = _offsets(header, frames)
    if offsets is None or len(orientation) != 6 or len(positions[0]) != 3:
        for values in frames:
            values["ImagePositionPatient"] = ()
        return (
            f"{name} gives one position for all its {len(frames)} frames and not how far they are apart: they are in the "
            "order of the file and lengths are in pixels."
        )
    axis = np.cross(np.asarray(orientation[:3], float), np.asarray(orientation[3:], float))
    for values, offset in zip(frames, offsets, strict=True):
        placed = np.asarray(positions[0], float) + offset * axis / (np.linalg.norm(axis) or 1.0)
        values["ImagePositionPatient"] = tuple(float(v) for v in placed)
    if source != "SpacingBetweenSlices":
        return ""
    return (
        f"{name} gives one position for all its {len(frames)} frames: they were placed {abs(offsets[1]):.4g} mm apart, as its "
        "SpacingBetweenSlices says."
    )


def _tells_times(frames: list[Values]) -> bool:
    """Whether the frames are one place at several times."""
    return any(
        len({values.get(name) for values in frames}) == len(frames)
        for name in ("TemporalPositionIndex", "TemporalPositionTimeOffset", "TriggerTime")
    )


def _offsets(header: Header, frames: list[Values]) -> tuple[list[float] | None, str]:
    """Distance of each frame from the first along the normal in mm, and the tag that says so."""
    for keyword in ("GridFrameOffsetVector", "SliceLocationVector"):
        try:
            vector = [float(v) for v in header.dataset.get(keyword) or []]
        except (TypeError, ValueError):
            continue
        if len(vector) == len(frames) and len(set(vector)) == len(vector):
            return [v - vector[0] for v in vector], keyword
    stated = frames[0].get("SpacingBetweenSlices") or header.numbers("SpacingBetweenSlices")
    step = float(stated[0]) if stated else 0.0
    if not step or not np.isfinite(step):
        return None, ""
    stack = [values.get("InStackPositionNumber") for values in frames]
    numbers = [float(n[0]) for n in stack if n]
    if len(set(numbers)) < len(frames):
        numbers = [float(k) for k in range(len(frames))]
    return [(n - min(numbers)) * step for n in numbers], "SpacingBetweenSlices"
