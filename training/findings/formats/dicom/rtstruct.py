"""Structure sets of radiotherapy (RTSTRUCT) as findings: each region of interest that is no organ is a mask."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from skimage.draw import polygon2mask

from ....error_boundary import reads
from ....imaging.image import Image
from ...finding import Finding, Findings, ImageReference, Mask
from ..errors import FindingsFileError
from .belonging import of_another_scan

ORGANS = (
    *("lung", "heart", "cord", "oesophagus", "esophagus", "trachea", "carina", "body", "external", "skin"),
    *("couch", "airway", "aorta", "liver", "spine", "rib", "thorax", "bronch"),
)
"""Words in the names of regions that are no finding."""


@reads(FindingsFileError)
def rtstruct_findings(path: Path | str, image: Image) -> tuple[Findings, list[str]]:
    """Read the closed contours of a structure set as masks on the voxels of a CT.

    A voxel belongs to a region if its centre lies inside an odd number of the contours of its slice, so that holes stay holes.

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

    dataset = pydicom.dcmread(path)
    said = {str(i.ROINumber): i for i in dataset.get("StructureSetROISequence", ())}
    items, problems = [], []
    for contours in dataset.get("ROIContourSequence", ()):
        number = str(contours.ReferencedROINumber)
        roi = said.get(number)
        name = str(roi.get("ROIName", "")) if roi is not None else ""
        label = f"{path}: region {number} ({name or 'without a name'})"
        elsewhere = (
            of_another_scan(roi.get("ReferencedFrameOfReferenceUID"), image) if roi is not None else ""
        )
        if any(word in name.lower() for word in ORGANS):
            problems.append(f"{label} is anatomy and no nodule, and is left out.")
        elif elsewhere:
            problems.append(f"{label} {elsewhere}, and is left out.")
        elif (mask := _mask(contours, image)) is None:
            problems.append(f"{label} encloses no voxel of the image, and is left out.")
        else:
            items.append(Finding(mask, note=name))
    if not items:
        raise FindingsFileError(
            " ".join([f"{path} shows no nodule on this image: open the CT that it was drawn on.", *problems])
        )
    return Findings(tuple(items), ImageReference.of(image)), problems


def _mask(contours: Any, image: Image) -> Mask | None:
    by_slice: dict[int, list[np.ndarray]] = defaultdict(list)
    for contour in contours.get("ContourSequence", ()):
        points = np.array(contour.ContourData, float).reshape(-1, 3)[:, ::-1]
        index = image.to_index(points)
        z = int(np.rint(index[:, 0].mean()))
        if len(index) >= 3 and 0 <= z < image.shape[0]:
            by_slice[z].append(index[:, 1:])
    voxels = [_slice(z, rings, image.shape[1:]) for z, rings in by_slice.items()]
    index = np.concatenate([np.empty((0, 3), int), *voxels])
    return Mask.from_voxels(index, image.scale, image.origin) if len(index) else None


def _slice(z: int, rings: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Indices (n, 3) of the pixels inside an odd number of rings."""
    corners = np.concatenate(rings)
    low = np.clip(np.floor(corners.min(0)), 0, shape).astype(int)
    high = np.clip(np.ceil(corners.max(0)) + 1, 0, shape).astype(int)
    inside = np.zeros(np.maximum(high - low, 0), bool)
    for ring in rings:
        inside ^= polygon2mask(inside.shape, ring - low)
    pixels = np.argwhere(inside) + low
    return np.column_stack([np.full(len(pixels), z), pixels])
