"""Whether a DICOM object was made from the image that is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ....imaging.image import Image


def instances_of(image: Image) -> frozenset[str]:
    """Which instances an image was read from; none where it is no DICOM."""
    uids = image.metadata.get("sop_instance_uids", ())
    return frozenset(map(str, uids)) if isinstance(uids, tuple | list) else frozenset()


def of_another_scan(frame_of_reference: Any, image: Image) -> str:
    """Say that what lies in this frame of reference lies in another than the image; nothing where one of them has none."""
    own, its = str(frame_of_reference or ""), str(image.metadata.get("frame_of_reference_uid") or "")
    if not own or not its or own == its:
        return ""
    return f"was drawn on another scan (its frame of reference is {own}, this image's {its})"


def referred(dataset: Any) -> Iterator[str]:
    """The instances that an object says it was made from (Common Instance Reference)."""
    studies = dataset.get("StudiesContainingOtherReferencedInstancesSequence") or ()
    for holder in (dataset, *studies):
        for series in holder.get("ReferencedSeriesSequence") or ():
            for item in series.get("ReferencedInstanceSequence") or ():
                yield str(item.ReferencedSOPInstanceUID)
