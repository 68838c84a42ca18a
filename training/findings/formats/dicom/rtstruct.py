"""Structure sets of radiotherapy (RTSTRUCT) as findings: each region of interest that is a lesion, or may be one, is a mask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ....error_boundary import reads
from ....imaging.image import Image
from ...finding import Finding, Findings, ImageReference, Mask
from ..errors import FindingsFileError
from .belonging import of_another_scan
from .contours import filled, have_gaps
from .roi_kinds import Kind, kind_of_roi

NOT_READ: dict[Kind, str] = {
    "anatomy": "is anatomy and no nodule",
    "margin": "is the margin of a treatment, and the lesions are drawn beside it",
}
"""Why a region is no finding."""


@reads(FindingsFileError)
def rtstruct_findings(path: Path | str, image: Image) -> tuple[Findings, list[str]]:
    """Read the closed contours of a structure set as masks on the voxels of a CT.

    A voxel belongs to a region if its centre lies inside of the nearest contours, however they are turned against the voxels, and
    as far apart as they lie (`contours.filled`). Margins of a treatment (CTV, PTV) are read only where no lesion is drawn.

    Parameters
    ----------
    path
        The structure set.
    image
        The CT that it was drawn on.

    Returns
    -------
    tuple
        The findings, and sentences on regions that were left out.

    Raises
    ------
    FindingsFileError
        It belongs to another scan, or no region of it is a finding on the image.
    """
    import pydicom

    regions = list(_regions(pydicom.dcmread(path)))
    lesions = any(r.kind == "lesion" and not of_another_scan(r.frame_of_reference, image) for r in regions)
    items, problems = [], []
    for region in regions:
        label = f"{path}: region {region.number} ({region.name or 'without a name'})"
        if region.kind in NOT_READ and (region.kind == "anatomy" or lesions):
            problems.append(f"{label} {NOT_READ[region.kind]}, and is left out.")
        elif elsewhere := of_another_scan(region.frame_of_reference, image):
            problems.append(f"{label} {elsewhere}, and is left out.")
        elif (mask := _mask(rings := _rings(region.contours), image)) is None:
            problems.append(f"{label} encloses no voxel of the image, and is left out.")
        else:
            items.append(Finding(mask, note=region.name))
            if have_gaps(rings):
                problems.append(
                    f"{label} has contours that lie far apart: nothing was filled between them, look there with care."
                )
    if not items:
        raise FindingsFileError(
            " ".join([f"{path} shows no nodule on this image: open the CT that it was drawn on.", *problems])
        )
    return Findings(tuple(items), ImageReference.of(image)), problems


class _Region(NamedTuple):
    """A region of interest as three sequences of the structure set tell it."""

    number: str
    name: str
    kind: Kind
    frame_of_reference: str
    contours: Any


def _regions(dataset: Any) -> Iterator[_Region]:
    described = {str(i.ROINumber): i for i in dataset.get("StructureSetROISequence") or ()}
    observed = {
        str(i.get("ReferencedROINumber", "")): str(i.get("RTROIInterpretedType") or "")
        for i in dataset.get("RTROIObservationsSequence") or ()
    }
    for contours in dataset.get("ROIContourSequence") or ():
        number = str(contours.ReferencedROINumber)
        roi = described.get(number, {})
        name = str(roi.get("ROIName", ""))
        kind = kind_of_roi(name, observed.get(number, ""))
        yield _Region(number, name, kind, str(roi.get("ReferencedFrameOfReferenceUID") or ""), contours)


def _rings(contours: Any) -> list[np.ndarray]:
    """World points (n, 3) z, y, x of each closed contour."""
    drawn = contours.get("ContourSequence") or ()
    closed = (c for c in drawn if str(c.get("ContourGeometricType") or "CLOSED").startswith("CLOSED"))
    return [np.array(contour.ContourData, float).reshape(-1, 3)[:, ::-1] for contour in closed]


def _mask(rings: list[np.ndarray], image: Image) -> Mask | None:
    index = filled(rings, image)
    return Mask.from_voxels(index, image.scale, image.origin) if len(index) else None
