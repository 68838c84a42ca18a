"""Where the frames of a DICOM segmentation lie, and the voxels of one of its segments as a mask in the world of an image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ....imaging.image import Image
from ...geometry import Mask
from .slabs import slabs

UPRIGHT = 0.999
"""Cosine between an axis of the segmentation and one of the patient from which on they are the same."""
_WHOLE = 0.02
"""Part of a slice distance by which slices of one lattice may be off."""
MOST_RUNS = 1_000_000
"""Rows of pixels in one segment: both lungs of a thin-sliced CT have half as many, and noise has millions."""


class NoiseError(ValueError):
    """A segment falls into more pieces than anything in a body does."""


class Stored(NamedTuple):
    """A segmentation, its frames (n, rows, columns) as they are stored, and which of them show which segment."""

    dataset: Any
    frames: np.ndarray
    shown_in: Mapping[int, Sequence[int]]


def stored(dataset: Any, frames: np.ndarray) -> Stored:
    """Find out once which frames show which segment: there may be thousands of both."""
    shown_in: dict[int, list[int]] = {}
    if dataset.SegmentationType == "LABELMAP":
        for place, frame in enumerate(frames):
            for number in np.unique(frame).tolist():
                shown_in.setdefault(number, []).append(place)
        return Stored(dataset, frames, shown_in)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for place, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        where = group if "SegmentIdentificationSequence" in group else shared
        number = int(where.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        shown_in.setdefault(number, []).append(place)
    return Stored(dataset, frames, shown_in)


class Frame(NamedTuple):
    """A frame with a segment's pixels. Vectors are (x, y, z) in LPS mm; `spacing` is that between rows and between columns.

    `distance` is SpacingBetweenSlices, `thickness` SliceThickness: what the segmentation says of its slices, 0 where it is silent.
    """

    row: np.ndarray
    column: np.ndarray
    position: np.ndarray
    spacing: tuple[float, float]
    distance: float
    thickness: float
    inside: np.ndarray

    @property
    def normal(self) -> np.ndarray:
        """Unit vector across the frame."""
        return np.cross(self.row, self.column)


def mask_of(segmentation: Stored, number: int, image: Image) -> Mask | None:
    """The voxels of a segment as a mask, or None where it has none.

    On axes of the patient it keeps the segmentation's own lattice, voxel for voxel. Where the frames are turned or tilted, or lie
    unevenly, each voxel of the image takes the nearest pixel of the nearest frame.

    Parameters
    ----------
    segmentation
        As it is stored.
    number
        Of the segment.
    image
        The image that the mask is for; on a radiograph the frames must have its size.

    Raises
    ------
    NoiseError
        It has more than `MOST_RUNS`; told before anything is made of them.
    ValueError
        The frames have no place in the patient, or another size than the radiograph.
    """
    _require_no_noise(segmentation, number)
    if image.ndim == 2:
        return _planar(segmentation, number, image)
    shown = [frame for frame in _frames_of(segmentation, number) if frame.inside.any()]
    if not shown:
        return None
    turned = [f for f in shown if min(np.abs(f.row).max(), np.abs(f.column).max()) < UPRIGHT]
    across = float((np.abs(shown[0].normal) * image.scale[::-1]).max())
    heights = _heights(shown)
    step = _step(shown[0], heights, across, _on_slices(shown, image))
    if turned or not _whole(np.diff(heights) / step).all():
        return _nearest(shown, heights, _usual(shown[0], heights, across), image)
    return _on_its_lattice(shown, step, image)


def _require_no_noise(segmentation: Stored, number: int) -> None:
    runs = 0
    for place in segmentation.shown_in.get(number, ()):
        inside = _inside(segmentation, place, number)
        runs += int(np.count_nonzero(inside[:, 0]) + np.count_nonzero(inside[:, 1:] & ~inside[:, :-1]))
        if runs > MOST_RUNS:
            raise NoiseError(f"it has more than {MOST_RUNS:,} pieces of rows")


def _planar(segmentation: Stored, number: int, image: Image) -> Mask | None:
    for place in segmentation.shown_in.get(number, ()):
        inside = _inside(segmentation, place, number)
        if not inside.any():
            continue
        if inside.shape != image.shape:
            raise ValueError(
                f"it has {inside.shape[1]} × {inside.shape[0]} pixels, the image {image.shape[1]} × {image.shape[0]}"
            )
        return Mask.from_voxels(np.argwhere(inside), image.scale, image.origin)
    return None


def _heights(frames: Sequence[Frame]) -> np.ndarray:
    """Heights of the frames above the first one in mm, rising, each once."""
    normal, first = frames[0].normal, frames[0].position
    return np.unique(np.round([float(normal @ (f.position - first)) for f in frames], 3))


def _on_slices(frames: Sequence[Frame], image: Image) -> bool:
    """Whether all frames, on axes of the patient, lie on slices of the image."""
    axis = 2 - int(np.abs(frames[0].normal).argmax())
    index = image.to_index([frame.position[::-1] for frame in frames])[:, axis]
    return bool((np.abs(index - np.rint(index)) < _WHOLE).all())


def _whole(times: Any) -> np.ndarray:
    """Whether steps are whole multiples of another one."""
    return np.abs(times - np.maximum(np.round(times), 1)) < _WHOLE


def _step(frame: Frame, heights: np.ndarray, across: float, on_slices: bool) -> float:
    """Find the distance of the slices that a segment was drawn on, of which it may show some only.

    Frames that lie a multiple of the image's distance apart are some of its slices, or thicker slices of the segmentation's own:
    what it says of their distance decides, or of their thickness, which alone says less, as slices of a CT may overlap. Where it
    says that thin slices lie far apart (as highdicom does of frames that it was given alone), they are some of the image's if they
    lie on them.

    Parameters
    ----------
    frame
        One of them.
    heights
        Of all, rising.
    across
        Distance of the image's slices along the normal.
    on_slices
        Whether the frames lie on slices of the image.
    """
    said = frame.distance or frame.thickness
    if len(heights) == 1:  # for a single frame highdicom writes a distance of 1 mm
        agreed = abs(frame.thickness - frame.distance) < _WHOLE * frame.thickness
        return max(said, across) if agreed else across
    step = float(np.diff(heights).min())
    if abs(step / across - 1) < _WHOLE:
        return across
    thin = across if _whole(step / across) else step
    is_thin = abs(frame.thickness / across - 1) < _WHOLE
    if not said or said > (1 + _WHOLE) * step or (is_thin and on_slices):
        return thin
    if said > (1 + _WHOLE) * across and _whole(step / said):
        return said
    return step if abs(said - step) < abs(said - across) else thin


def _usual(frame: Frame, heights: np.ndarray, across: float) -> float:
    """The distance of turned or uneven slices, of which some may be left out between the frames."""
    if len(heights) == 1:
        return across
    steps, said = np.diff(heights), frame.distance or frame.thickness
    smallest = float(steps.min())
    times = round(smallest / across)
    if times > 1 and said and abs(said - across) < abs(said - smallest):
        return smallest / times
    return float(np.median(steps))


def _on_its_lattice(frames: Sequence[Frame], step: float, image: Image) -> Mask:
    places = []
    for frame in frames:
        pixels = np.argwhere(frame.inside)
        between_rows, between_columns = frame.spacing
        xyz = (
            pixels[:, 1:] * between_columns * frame.row
            + pixels[:, :1] * between_rows * frame.column
            + frame.position
        )
        places.append(xyz[:, ::-1])
    one = frames[0]
    steps = np.abs(one.row) * one.spacing[1] + np.abs(one.column) * one.spacing[0]
    spacing = (np.abs(one.normal) * step + steps)[::-1]
    world = np.concatenate(places)
    low = world.min(0)
    index = np.rint((world - low) / spacing).astype(np.intp)
    return Mask.from_voxels(index, tuple(map(float, spacing)), tuple(low))


def _nearest(frames: Sequence[Frame], heights: np.ndarray, usual: float, image: Image) -> Mask | None:
    """The voxels of the image whose nearest pixel on turned, tilted or uneven frames is inside."""
    bounds, first = slabs(heights, usual), frames[0]
    found = []
    for frame in frames:
        height = float(first.normal @ (frame.position - first.position))
        place = int(np.abs(heights - height).argmin())
        found.append(_voxels_near(frame, bounds[place] - height, image))
    index = np.unique(np.concatenate(found), axis=0)
    return Mask.from_voxels(index, image.scale, image.origin) if len(index) else None


def _voxels_near(frame: Frame, bounds: np.ndarray, image: Image) -> np.ndarray:
    """Indices (n, 3) of the voxels between two heights above a frame whose nearest pixel of it is inside."""
    pixels = np.argwhere(frame.inside)
    ends = np.array([pixels.min(0) - 1, pixels.max(0) + 1])
    rows, columns = np.meshgrid(ends[:, 0], ends[:, 1], indexing="ij")
    plane = frame.position + (
        rows.ravel()[:, None] * frame.spacing[0] * frame.column
        + columns.ravel()[:, None] * frame.spacing[1] * frame.row
    )
    corners = np.concatenate([plane + bound * frame.normal for bound in bounds])
    index = image.to_index(corners[:, ::-1])
    low = np.clip(np.floor(index.min(0)), 0, image.shape).astype(int)
    high = np.clip(np.ceil(index.max(0)) + 1, 0, image.shape).astype(int)
    voxels = np.argwhere(np.ones(np.maximum(high - low, 0), bool)) + low
    away = image.to_world(voxels)[:, ::-1] - frame.position
    row = np.rint(away @ frame.column / frame.spacing[0]).astype(int)
    column = np.rint(away @ frame.row / frame.spacing[1]).astype(int)
    height, (n_rows, n_columns) = away @ frame.normal, frame.inside.shape
    near = (height >= bounds[0]) & (height < bounds[1])
    near &= (row >= 0) & (row < n_rows) & (column >= 0) & (column < n_columns)
    near[near] = frame.inside[row[near], column[near]]
    return voxels[near]


def _frames_of(segmentation: Stored, number: int) -> Iterator[Frame]:
    """Geometry and voxels of the frames that show a segment."""
    dataset = segmentation.dataset
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for place in segmentation.shown_in.get(number, ()):
        group = dataset.PerFrameFunctionalGroupsSequence[place]
        inside = _inside(segmentation, place, number)

        def item(name: str, group: Any = group) -> Any:
            return (group if name in group else shared)[name][0]

        row, column = np.array(item("PlaneOrientationSequence").ImageOrientationPatient, float).reshape(2, 3)
        position = np.array(item("PlanePositionSequence").ImagePositionPatient, float)
        measures = item("PixelMeasuresSequence")
        between_rows, between_columns = map(float, measures.PixelSpacing)
        distance, thickness = (
            abs(float(measures.get(name) or 0)) for name in ("SpacingBetweenSlices", "SliceThickness")
        )
        yield Frame(row, column, position, (between_rows, between_columns), distance, thickness, inside)


def _inside(segmentation: Stored, place: int, number: int) -> np.ndarray:
    """The pixels of a frame, one of those that show a segment, that belong to it."""
    dataset, frame = segmentation.dataset, segmentation.frames[place]
    if dataset.SegmentationType == "LABELMAP":
        return frame == number
    return frame >= int(dataset.get("MaximumFractionalValue", 1)) / 2
