"""DICOM segmentations as truth: each segment of a nodule is a finding with its mask, voxel for voxel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ....error_boundary import reads
from ....imaging.image import Image
from ...finding import Finding, Findings, ImageReference, Mask
from ...truth import TRUTH, Truth
from ..errors import FindingsFileError

ANATOMY = ("lung", "lungs", "left lung", "right lung", "thorax", "body", "heart", "trachea", "airway")
"""Segments, by the meaning of their property type or their label, that are no finding."""
UPRIGHT = 0.999
"""Cosine between an axis of the segmentation and one of the patient from which on they are the same."""


@reads(FindingsFileError)
def seg_truth(path: Path | str, image: Image) -> Truth:
    """Read a DICOM SEG (BINARY, FRACTIONAL from one half, or LABELMAP) as the truth of an image.

    Parameters
    ----------
    path
        The segmentation.
    image
        What it was drawn on; more of its slices may be segmented than are open.

    Raises
    ------
    FindingsFileError
        It belongs to another frame of reference, is turned against the patient's axes, or has no segment that is a nodule.
    """
    import highdicom

    dataset = _tidied(path)
    _require_frame_of_reference(path, dataset, image)
    segmentation = highdicom.seg.Segmentation.from_dataset(dataset, copy=False)
    frames = segmentation.get_stored_frames()
    items: list[Finding] = []
    problems: list[str] = []
    for number in segmentation.segment_numbers:
        described = segmentation.get_segment_description(number)
        kind, label = described.segmented_property_type.meaning, str(described.SegmentLabel)
        if {kind.lower(), label.lower()} & set(ANATOMY):
            problems.append(f"{path}: segment {number} ({label}) is anatomy and no nodule, and is left out.")
            continue
        world, spacing = _world_of(path, segmentation, frames, number, image)
        low, high = image.extent
        if not len(world):
            problems.append(f"{path}: segment {number} ({label}) is empty, and is left out.")
        elif not ((world > low) & (world < high)).all(1).any():
            problems.append(f"{path}: segment {number} ({label}) lies outside of the image, and is left out.")
        else:
            items.append(
                Finding(
                    _mask(world, spacing),
                    provenance=TRUTH,
                    status="accepted",
                    note=label,
                    id=f"segment{number}",
                )
            )
    if not items:
        raise FindingsFileError(
            " ".join([f"{path} shows no nodule on this image: choose another file.", *problems])
        )
    return Truth(Findings(tuple(items), ImageReference.of(image)), problems=tuple(problems), source=str(path))


def _tidied(path: Path | str) -> Any:
    """The dataset without a list that highdicom trips over: some programs name the instances of the series in it once more."""
    import pydicom

    dataset = pydicom.dcmread(path)
    if "StudiesContainingOtherReferencedInstancesSequence" in dataset:
        del dataset.StudiesContainingOtherReferencedInstancesSequence
    return dataset


def _require_frame_of_reference(path: Path | str, dataset: Any, image: Image) -> None:
    own, its = (
        str(dataset.get("FrameOfReferenceUID", "")),
        str(image.metadata.get("frame_of_reference_uid", "")),
    )
    if image.ndim != 3:
        raise FindingsFileError(
            f"{path} is a segmentation in space, and the image is flat: open the CT that it was drawn on."
        )
    if own and its and own != its:
        raise FindingsFileError(
            f"{path} was drawn on another scan (its frame of reference is {own}, this image's {its}): open that one."
        )


def _world_of(
    path: Path | str, dataset: Any, frames: np.ndarray, number: int, image: Image
) -> tuple[np.ndarray, tuple[float, ...]]:
    """World positions (n, 3) z, y, x of a segment's voxels, and the spacing of its lattice, z, y, x in mm."""
    places, spacing = [np.empty((0, 3))], tuple(image.scale)
    positions = []
    for frame, inside in _frames_of(dataset, frames, number):
        row, column, position, (between_rows, between_columns) = frame
        if min(np.abs(row).max(), np.abs(column).max()) < UPRIGHT:
            raise FindingsFileError(
                f"{path} is turned against the patient's axes: resample it onto its CT, and open that."
            )
        normal = np.cross(row, column)
        positions.append(float(normal @ position))
        steps = np.abs(row) * between_columns + np.abs(column) * between_rows
        spacing = tuple((np.abs(normal) * image.scale[::-1] + steps)[::-1])
        pixels = np.argwhere(inside)
        xyz = pixels[:, 1:] * between_columns * row + pixels[:, :1] * between_rows * column + position
        places.append(xyz[:, ::-1])
        axis = 2 - int(np.abs(normal).argmax())
    if len(set(positions)) > 1:  # along the normal the segmentation's own slices say
        step = float(np.diff(np.unique(np.round(positions, 3))).min())
        spacing = (*spacing[:axis], step, *spacing[axis + 1 :])
    return np.concatenate(places), spacing


def _frames_of(dataset: Any, frames: np.ndarray, number: int) -> Iterator[tuple[tuple[Any, ...], np.ndarray]]:
    """Geometry and voxels of the frames that show a segment."""
    labelmap = dataset.SegmentationType == "LABELMAP"
    half = int(dataset.get("MaximumFractionalValue", 1)) / 2
    shared = dataset.SharedFunctionalGroupsSequence[0]
    for group, frame in zip(dataset.PerFrameFunctionalGroupsSequence, frames, strict=True):

        def item(name: str, group: Any = group) -> Any:
            return (group if name in group else shared)[name][0]

        if not labelmap and int(item("SegmentIdentificationSequence").ReferencedSegmentNumber) != number:
            continue
        inside = frame == number if labelmap else frame >= half
        directions = np.array(item("PlaneOrientationSequence").ImageOrientationPatient, float).reshape(2, 3)
        position = np.array(item("PlanePositionSequence").ImagePositionPatient, float)
        yield (*directions, position, tuple(map(float, item("PixelMeasuresSequence").PixelSpacing))), inside


def _mask(world: np.ndarray, spacing: tuple[float, ...]) -> Mask:
    low = world.min(0)
    return Mask.from_voxels(np.rint((world - low) / np.asarray(spacing)).astype(np.intp), spacing, tuple(low))
