"""DICOM structured reports (TID 1500) as truth: the measured regions of a report, read with highdicom.

A region in space (SCOORD3D) is a point, an ellipsoid, an ellipse or a polygon in mm; one on an image (SCOORD) a point, circle,
ellipse or polygon in its pixels, whose first one has its centre at (0.5, 0.5): it lies where its slice or frame does. Ellipsoids,
circles and points become spheres, polygons masks, and on a radiograph everything a box. DICOM PS3.16 TID 1410, 1411; PS3.3 C.18.6,
C.18.9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ....error_boundary import reads
from ....imaging.dicom.header import read_header
from ....imaging.image import Image
from ...finding import Box, Finding, Findings, Geometry, ImageReference, Mask, Sphere
from ...truth import TRUTH, Truth
from ..errors import FindingsFileError
from ..lidc.nodules import POINT_MM
from ..truth.leniency import passed_over
from .belonging import instances_of, of_another_scan
from .contours import filled
from .seg import segment_mask
from .slices import Slices, slices_of_image
from .sr_values import values_of
from .units import AREAS, LENGTHS, VOLUMES, measured
from .writing.chest_cad import SOP_CLASS as CHEST_CAD
from .writing.identity import NAME

DIAMETERS = ("81827009", "103339001")
"""SNOMED CT: diameter, long axis."""
AREA, VOLUME = ("42798000",), ("118565006",)
"""SNOMED CT: area, volume."""
MOST_SAID = 3
"""Regions that a message names where none lies on the image."""


@reads(FindingsFileError)
def sr_truth(path: Path | str, image: Image) -> Truth:
    """Read the regions of a measurement report as the truth of an image.

    Raises
    ------
    FindingsFileError
        It is another report, or none of its regions lies on the image.
    """
    regions, problems = _regions(Path(path), image)
    for problem in problems:
        with passed_over():
            raise FindingsFileError(problem)
    known = [
        f.with_(
            provenance=TRUTH,
            note=name,
            id=f"region{number}",
            number=0,
            tracking_uid="",
            score=1.0,
            status="accepted",
        )
        for number, name, f in regions
    ]
    rejected = {f"region{number}" for number, _, f in regions if f.status == "rejected"}
    kept = tuple(f for f in known if f.id not in rejected)
    excluded = tuple(f for f in known if f.id in rejected)
    return Truth(Findings(kept, ImageReference.of(image)), excluded, source=str(path))


@reads(FindingsFileError)
def sr_findings(path: Path | str, image: Image) -> tuple[Findings, list[str]]:
    """Read the regions of a measurement report as findings, with the sentences on those that could not be read.

    A region that refers to a segmentation is looked for in the DICOM files of the same folder. What another program wrote has the
    status and the score of a new finding.

    Raises
    ------
    FindingsFileError
        It is another report, or none of its regions lies on the image.
    """
    regions, problems = _regions(Path(path), image)
    items = tuple(f for _, _, f in regions)
    return Findings(items, ImageReference.of(image), done_by=_reader(Path(path))), problems


def _reader(path: Path) -> str:
    """The person who finished one of this program's own reports; empty for others', which call other things complete."""
    import pydicom

    report = pydicom.dcmread(path)
    if report.get("Manufacturer") != NAME or report.get("CompletionFlag") != "COMPLETE":
        return ""
    names = (item.PersonName for item in report.ContentSequence if item.ValueType == "PNAME")
    return next((str(name).replace("^", " ").strip() for name in names), "")


def _regions(path: Path, image: Image) -> tuple[list[tuple[int, str, Finding]], list[str]]:
    """Number, name and finding of each region on the image, and what was wrong with the others and in it."""
    import highdicom

    header = read_header(path)
    if header is not None and header.code("SOPClassUID") == CHEST_CAD:
        raise FindingsFileError(
            f"{path} is a Chest CAD report, which is written and not read here: choose the measurement report (dicom-sr)."
        )
    content: Any = highdicom.sr.srread(path).content
    if not hasattr(content, "get_planar_roi_measurement_groups"):
        raise FindingsFileError(
            f"{path} is a structured report, but no measurement report (TID 1500): choose another file."
        )
    groups = (
        *content.get_planar_roi_measurement_groups(),
        *content.get_volumetric_roi_measurement_groups(),
    )
    regions: list[tuple[int, str, Finding]] = []
    problems: list[str] = []
    slices = cache(lambda: slices_of_image(image))
    for number, group in enumerate(groups, 1):
        name = str(group.tracking_identifier or "")
        label = f"{path}, region {number} ({name or 'without a name'})"
        try:
            finding, said = _finding(group, image, path, slices)
        except (ValueError, KeyError, AttributeError, IndexError, TypeError) as error:
            problems.append(f"{label}: {error}; it was left out")
            continue
        regions.append((number, name, finding))
        problems += [f"{label}: {sentence}" for sentence in said]
    if not regions:
        more = [f"{len(problems) - MOST_SAID} more were left out."] if len(problems) > MOST_SAID else []
        raise FindingsFileError(
            " ".join(
                [
                    f"{path} has no region on this image: open the image that it was measured on.",
                    *(f"{problem}." for problem in problems[:MOST_SAID]),
                    *more,
                ]
            )
        )
    return regions, problems


def _finding(group: Any, image: Image, path: Path, slices: Callable[[], Slices]) -> tuple[Finding, list[str]]:
    """The finding of a region, and what was not taken of it."""
    diameter, unsized = _diameter(group) if _is_point(group) else (POINT_MM, [])
    geometry = _geometry(group, image, path, diameter, slices)
    if not image.contains(geometry.center):
        raise ValueError(f"it lies outside of the image ({', '.join(f'{c:.0f}' for c in geometry.center)})")
    values, unread = values_of(group)
    return Finding(geometry, **values), unsized + unread


def _is_point(group: Any) -> bool:
    return group.roi is not None and any(kind == "POINT" for kind, _, _ in _parts(group.roi))


def _diameter(group: Any) -> tuple[float, list[str]]:
    """The size that is said of a point: its diameter, or that of the sphere or disc of its volume or area."""
    lengths, said = measured(group, DIAMETERS, LENGTHS)
    volumes, more = measured(group, VOLUME, VOLUMES)
    areas, most = measured(group, AREA, AREAS)
    sizes = (
        lengths
        or [float(np.cbrt(6 * volume / np.pi)) for volume in volumes]
        or [float(np.sqrt(4 * area / np.pi)) for area in areas]
    )
    return max(sizes, default=POINT_MM), said + more + most


def _geometry(
    group: Any, image: Image, path: Path, diameter: float, slices: Callable[[], Slices]
) -> Geometry:
    if group.roi is None:
        return _segment(group, image, path)
    if image.ndim == 3 and (said := of_another_scan(getattr(group.roi, "frame_of_reference_uid", ""), image)):
        raise ValueError(f"it {said}")
    solid: list[np.ndarray] = []
    for kind, points, region in _parts(group.roi):
        in_space = points.shape[1] == 3
        if image.ndim == 2:
            return _box(kind, points[:, ::-1] if in_space else _on_picture(region, points, image), image)
        planes = [] if in_space else slices().drawn_on(*_reference(region))
        places = [points[:, ::-1]] if in_space else [plane.points_xyz(points)[:, ::-1] for plane in planes]
        if kind in ("POINT", "CIRCLE", "ELLIPSE", "ELLIPSOID"):
            return _sphere(kind, np.mean(places, axis=0), diameter)  # on several frames: in their middle
        if kind not in ("POLYGON", "POLYLINE"):
            raise ValueError(f"a region of type {kind} has no size")
        solid += places
    return _solid(solid, image)


def _segment(group: Any, image: Image, path: Path) -> Mask:
    """The mask of the segment that a group refers to, from the folder of the report."""
    for item in group[0].ContentSequence:
        for referred in item.get("ReferencedSOPSequence", ()):
            numbers = referred.get("ReferencedSegmentNumber")
            if numbers is not None:
                number = numbers if isinstance(numbers, int) else numbers[0]
                return segment_mask(path.parent, str(referred.ReferencedSOPInstanceUID), int(number), image)
    raise ValueError("it has no region that is read here")


def _parts(roi: Any) -> Iterator[tuple[str, np.ndarray, Any]]:
    """Graphic type, points (n, 2 or 3) and content item of each part of a region."""
    if hasattr(roi, "graphic_data"):  # a surface in space, which may have several parts
        data = roi.graphic_data
        for points in data if isinstance(data, list) else [data]:
            yield str(roi.graphic_type.value), np.asarray(points, float).reshape(-1, 3), roi
        return
    for region in roi if isinstance(roi, list | tuple) else [roi]:
        points = np.asarray(region.value, float)
        yield str(region.graphic_type.value), points.reshape(-1, points.shape[-1]), region


def _on_picture(region: Any, points: np.ndarray, image: Image) -> np.ndarray:
    """World y, x of points (n, 2) column, row on a radiograph."""
    (uid, _), instances = _reference(region), instances_of(image)
    if uid and instances and uid not in instances:
        raise ValueError(f"it was drawn on another picture ({uid})")
    return image.to_world(points[:, ::-1] - 0.5)


def _reference(region: Any) -> tuple[str, tuple[int, ...]]:
    """Instance that a region was drawn on and the frames of it; empty where a report does not say, as it should (TID 1410)."""
    for item in region.get("ContentSequence", ()):
        for referred in item.get("ReferencedSOPSequence", ()):
            frames = referred.get("ReferencedFrameNumber") or ()
            numbers = (frames,) if isinstance(frames, int | str) else frames
            return str(referred.ReferencedSOPInstanceUID), tuple(int(n) for n in numbers)
    return "", ()


def _sphere(kind: str, world: np.ndarray, diameter: float) -> Sphere:
    if kind == "CIRCLE":  # the centre, then a point on the circle
        return Sphere(tuple(world[0]), 2 * float(np.linalg.norm(world[1] - world[0])))
    if kind != "POINT":  # pairs of points: the ends of the axes
        axes = np.linalg.norm(world[1::2] - world[::2], axis=1)
        diameter = float(np.exp(np.log(axes).mean()))
    return Sphere(tuple(world.mean(0)), diameter)


def _box(kind: str, world: np.ndarray, image: Image) -> Box:
    if kind == "CIRCLE":
        radius = np.linalg.norm(world[1] - world[0])
        low, high = world[0] - radius, world[0] + radius
    elif kind == "POINT":
        half = POINT_MM / 2 if image.spacing is not None else max(image.shape) / 100
        low, high = world[0] - half, world[0] + half
    else:
        low, high = world.min(0), world.max(0)
    return Box((low[0], low[1]), (high[0], high[1]))


def _solid(polygons: list[np.ndarray], image: Image) -> Mask:
    """The voxels that polygons enclose, each in its own plane."""
    voxels = filled(polygons, image)
    if not len(voxels):
        raise ValueError("its polygons enclose no voxel")
    return Mask.from_voxels(voxels, image.scale, image.origin)
