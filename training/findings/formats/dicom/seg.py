"""DICOM segmentations as truth: each segment of a nodule is a finding with its mask, voxel for voxel."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ....error_boundary import reads
from ....imaging.image import Image
from ...finding import Finding, Findings, ImageReference, Mask, Region
from ...truth import TRUTH, Truth
from ..errors import FindingsFileError
from .belonging import instances_of, of_another_scan, referred
from .seg_frames import NoiseError, Stored, mask_of, stored
from .sr_values import identity_of, provenance_of

ANATOMY = ("lung", "lungs", "left lung", "right lung", "thorax", "body", "heart", "trachea", "airway")
"""Segments, by the meaning of their property type or their label, that are no finding."""
LUNGS = ("lungs", "left lung", "right lung")
"""Labels of segments that become regions of an image."""
MOST_SEGMENTS, MOST_PIXELS = 1000, 1 << 32
"""More segments, or more pixels in all frames (a byte each in memory), are those of something else."""


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
    segments, problems = _nodules(Path(path), image)
    items = tuple(
        Finding(mask, provenance=TRUTH, status="accepted", note=str(said.SegmentLabel), id=f"segment{number}")
        for number, said, mask in segments
    )
    return Truth(Findings(items, ImageReference.of(image)), problems=tuple(problems), source=str(path))


@reads(FindingsFileError)
def seg_findings(path: Path | str, image: Image) -> tuple[Findings, list[str]]:
    """Read the nodules of a DICOM SEG as findings, with who found them and how they are tracked, and its lungs as regions.

    Returns
    -------
    tuple
        The findings, and sentences on segments that were left out.

    Raises
    ------
    FindingsFileError
        As `seg_truth`.
    """
    segments, problems = _nodules(Path(path), image, lungs=True)
    items, regions = [], []
    for _, said, mask in segments:
        algorithm, version = _algorithm(said)
        who = provenance_of(algorithm, version, by_hand=said.SegmentAlgorithmType == "SEMIAUTOMATIC")
        if str(said.SegmentLabel).lower() in LUNGS:
            regions.append(Region(str(said.SegmentLabel).lower(), mask, who))
            continue
        identity = identity_of(str(said.get("TrackingID", "")))
        note = "" if "number" in identity else str(said.SegmentLabel)
        items.append(
            Finding(
                mask, provenance=who, note=note, tracking_uid=str(said.get("TrackingUID", "")), **identity
            )
        )
    return Findings(tuple(items), ImageReference.of(image), regions=tuple(regions)), problems


def _algorithm(said: Any) -> tuple[str, str]:
    """Name and version of the algorithm that made a segment, where it says so."""
    known = said.get("SegmentationAlgorithmIdentificationSequence")
    if known:
        return str(known[0].AlgorithmName), str(known[0].AlgorithmVersion)
    return str(said.get("SegmentAlgorithmName", "")), ""


def _nodules(
    path: Path, image: Image, *, lungs: bool = False
) -> tuple[list[tuple[int, Any, Mask]], list[str]]:
    """Number, description and mask of each segment that is a nodule (or a lung) on the image, and sentences on the others."""
    segments, problems = segments_of(path, image, lungs=lungs)
    if not segments:
        raise FindingsFileError(
            " ".join([f"{path} shows no nodule on this image: choose another file.", *problems])
        )
    return segments, problems


def segments_of(
    path: Path, image: Image, *, lungs: bool = False, refused: Callable[[Any], str] = lambda _described: ""
) -> tuple[list[tuple[int, Any, Mask]], list[str]]:
    """Number, highdicom's description and mask of each segment that is no anatomy, and sentences on the others.

    Parameters
    ----------
    lungs
        Whether lungs are wanted too.
    refused
        Gets a description, and gives a sentence where the segment is left out.

    Raises
    ------
    FindingsFileError
        As `seg_truth`; or it holds noise: more than `MOST_SEGMENTS` or `MOST_PIXELS`, or a segment of very many pieces.
    """
    opened = _opened(path, image)
    segments: list[tuple[int, Any, Mask]] = []
    problems: list[str] = []
    for number in opened.dataset.segment_numbers:
        described = opened.dataset.get_segment_description(number)
        kind, label = described.segmented_property_type.meaning, str(described.SegmentLabel)
        if said := refused(described):
            problems.append(said)
            continue
        wanted = lungs and label.lower() in LUNGS
        if not wanted and {kind.lower(), label.lower()} & set(ANATOMY):
            problems.append(f"{path}: segment {number} ({label}) is anatomy and no nodule, and is left out.")
            continue
        try:
            mask = mask_of(opened, number, image)
        except NoiseError as error:
            raise FindingsFileError(
                f"{path}: segment {number} ({label}) is noise and no nodule: {error}"
            ) from error
        if mask is None:
            problems.append(f"{path}: segment {number} ({label}) is empty, and is left out.")
        elif not _overlaps(mask, image):
            problems.append(f"{path}: segment {number} ({label}) lies outside of the image, and is left out.")
        else:
            segments.append((number, described, mask))
    return segments, problems


def segment_mask(folder: Path, sop_uid: str, number: int, image: Image) -> Mask:
    """The mask of a segment of one of the DICOM files of a folder.

    Raises
    ------
    ValueError
        The file is not there, or the segment lies outside of the image.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    for file in sorted(p for p in folder.iterdir() if p.is_file()):
        with contextlib.suppress(InvalidDicomError, OSError):
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=["SOPInstanceUID"])
            if header.get("SOPInstanceUID") == sop_uid:
                mask = mask_of(_opened(file, image), number, image)
                if mask is None or not _overlaps(mask, image):
                    raise ValueError(f"segment {number} of {file.name} does not lie on the image")
                return mask
    raise ValueError(f"it refers to a segmentation that is not beside the report ({sop_uid}): put it there")


def _opened(path: Path, image: Image) -> Stored:
    """A segmentation and its frames as they are stored."""
    import highdicom
    import pydicom

    dataset = pydicom.dcmread(path)
    _require_bounds(path, dataset)
    if image.ndim == 3:
        if said := of_another_scan(dataset.get("FrameOfReferenceUID"), image):
            raise FindingsFileError(f"{path} {said}: open that one.")
    else:
        _require_this_picture(path, dataset, image)
    # Some programs name the instances of the series in a second list, which highdicom trips over.
    if "StudiesContainingOtherReferencedInstancesSequence" in dataset:
        del dataset.StudiesContainingOtherReferencedInstancesSequence
    segmentation = highdicom.seg.Segmentation.from_dataset(dataset, copy=False)
    return stored(segmentation, segmentation.get_stored_frames())


def _require_bounds(path: Path, dataset: Any) -> None:
    """Refuse what cannot be nodules before a pixel of it is unpacked."""
    if (count := len(dataset.get("SegmentSequence", ()))) > MOST_SEGMENTS:
        raise FindingsFileError(f"{path} has {count:,} segments, which are no nodules: choose another file.")
    pixels = int(dataset.get("NumberOfFrames", 1)) * int(dataset.Rows) * int(dataset.Columns)
    if pixels > MOST_PIXELS:
        raise FindingsFileError(
            f"{path} says that it has {pixels:,} pixels, more than {MOST_PIXELS:,}: choose another file, or one with fewer "
            "segments."
        )


def _overlaps(mask: Mask, image: Image) -> bool:
    low, high = image.extent
    index = np.argwhere(mask.to_array())
    world = index * np.asarray(mask.spacing) + np.asarray(mask.origin)
    return bool(((world > low) & (world < high)).all(1).any())


def _require_this_picture(path: Path, dataset: Any, image: Image) -> None:
    """Refuse a segmentation of another picture than a flat image, as far as both say what they are."""
    own, its = frozenset(referred(dataset)), instances_of(image)
    if own and its:
        if own & its:
            return
        raise FindingsFileError(f"{path} was drawn on another picture: open that one.")
    if "FrameOfReferenceUID" in dataset:
        raise FindingsFileError(
            f"{path} is a segmentation in space, and the image is flat: open the CT that it was drawn on."
        )
