"""Graphics of presentation states (GSPS) as findings: circles on slices become spheres, and on a radiograph everything a box.

Circles with one tracking identifier are cuts through one sphere: r² = R² - (h - h₀)² at each height gives its centre and radius.
Points are in pixels of their image, from the outer corner of the first one (PS3.3 C.10.5).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ....error_boundary import reads
from ....imaging.image import Image
from ...finding import Box, Finding, Findings, ImageReference, Sphere
from ..errors import FindingsFileError
from .belonging import instances_of
from .slices import slices_of_image
from .sr_values import identity_of
from .writing.source import Plane

_ROUND = ("CIRCLE", "ELLIPSE")
_SMALLEST_MM = 1e-3
Planes = Mapping[tuple[str, int], Plane | None]


class Graphic(NamedTuple):
    """A graphic on one image: type, points (n, 2) column and row, instance and frame (from 1), and how it is tracked."""

    kind: str
    points: np.ndarray
    place: tuple[str, int]
    tracking_id: str
    tracking_uid: str


@reads(FindingsFileError)
def presentation_state_findings(path: Path | str, image: Image) -> tuple[Findings, list[str]]:
    """Read the graphics of a presentation state as findings on an image.

    Returns
    -------
    tuple
        The findings, and sentences on graphics that were left out.

    Raises
    ------
    FindingsFileError
        It has no graphic on this image.
    """
    import pydicom

    planes = _planes(Path(path), image)
    groups: dict[str, list[Graphic]] = defaultdict(list)
    others = 0
    for n, graphic in enumerate(_graphics(pydicom.dcmread(path))):
        drawn = graphic.kind in _ROUND or image.ndim == 2
        if graphic.place in planes and drawn and len(graphic.points) > 1:
            groups[graphic.tracking_uid or f"graphic {n}"].append(graphic)
        else:
            others += 1
    items = tuple(_finding(graphics, image, planes) for graphics in groups.values())
    if not items:
        raise FindingsFileError(
            f"{path} has no circle or box on this image: open the series that it was drawn on."
        )
    problems = (
        [f"{path}: {others} graphics are on other images or no outlines, and are left out."] if others else []
    )
    return Findings(items, ImageReference.of(image)), problems


def _graphics(dataset: Any) -> Iterator[Graphic]:
    for annotation in dataset.get("GraphicAnnotationSequence", ()):
        images = annotation.get("ReferencedImageSequence") or _all_images(dataset)
        for graphic in annotation.get("GraphicObjectSequence", ()):
            points = np.array(graphic.GraphicData, float).reshape(-1, 2)
            if graphic.GraphicAnnotationUnits == "DISPLAY":  # of the shown area, not of the pixels
                continue
            for reference in images:
                for frame in _frames(reference):
                    yield Graphic(
                        str(graphic.GraphicType),
                        points,
                        (str(reference.ReferencedSOPInstanceUID), frame),
                        str(graphic.get("TrackingID", "")),
                        str(graphic.get("TrackingUID", "")),
                    )


def _frames(reference: Any) -> list[int]:
    numbers = reference.get("ReferencedFrameNumber") or 1
    return [int(numbers)] if isinstance(numbers, int | str) else [int(n) for n in numbers]


def _all_images(dataset: Any) -> list[Any]:
    return [
        i
        for series in dataset.get("ReferencedSeriesSequence", ())
        for i in series.get("ReferencedImageSequence", ())
    ]


def _planes(path: Path, image: Image) -> dict[tuple[str, int], Plane | None]:
    """Where each frame of the image's series lies, by instance and number of the frame."""
    if image.ndim == 2 and image.is_dicom:
        return {(uid, 1): None for uid in instances_of(image)}
    slices = slices_of_image(image)
    if slices.why_none:
        raise FindingsFileError(f"{path} cannot be placed: {slices.why_none}.")
    return dict(slices.planes)


def _finding(graphics: list[Graphic], image: Image, planes: Planes) -> Finding:
    one = graphics[0]
    identity = identity_of(one.tracking_id)
    note = one.tracking_id if "number" not in identity else ""
    geometry = _box(one, image) if image.ndim == 2 else _sphere(graphics, planes)
    return Finding(geometry, note=note, tracking_uid=one.tracking_uid, **identity)


def _box(graphic: Graphic, image: Image) -> Box:
    points = graphic.points
    if graphic.kind == "CIRCLE":
        radius = np.linalg.norm(points[1] - points[0])
        points = np.array([points[0] - radius, points[0] + radius])
    world = image.to_world(points[:, ::-1] - 0.5)
    low, high = world.min(0), world.max(0)
    return Box((low[0], low[1]), (high[0], high[1]))


def _sphere(graphics: list[Graphic], planes: Planes) -> Sphere:
    """The sphere whose cuts the circles are; of one circle, or of several on one slice, the one with the largest as its equator."""
    centers, radii, normal = [], [], np.zeros(3)
    for graphic in graphics:
        plane = planes[graphic.place]
        assert plane is not None
        xyz, normal = plane.points_xyz(graphic.points), plane.normal
        if graphic.kind == "CIRCLE":
            centers.append(xyz[0])
            radii.append(np.linalg.norm(xyz[1] - xyz[0]))
        else:
            axes = np.linalg.norm(xyz[1::2] - xyz[::2], axis=1)
            centers.append(xyz.mean(0))
            radii.append(np.sqrt(axes.prod()) / 2)
    heights, r = np.array(centers) @ normal, np.array(radii)
    x, y, z = centers[int(r.argmax())]
    radius = r.max()
    if len(np.unique(np.round(heights, 3))) > 1:
        # r² + h² = 2 h₀ h + (R² - h₀²) is linear in its two unknowns.
        slope, rest = np.polyfit(heights, r**2 + heights**2, 1)
        x, y, z = np.mean(centers, axis=0) + (slope / 2 - heights.mean()) * normal
        radius = np.sqrt(max(rest + slope**2 / 4, radius**2))
    return Sphere((float(z), float(y), float(x)), 2 * max(float(radius), _SMALLEST_MM))
