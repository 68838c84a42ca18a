"""Findings as graphics of a grayscale softcopy presentation state, which any DICOM viewer draws over its images.

A sphere is the circle in which each slice cuts it, a box a closed polyline, both in pixels from the outer corner of the first one
(PS3.3 C.10.5). A mask is drawn as the ball of equal volume.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ....finding import Finding, Findings
from ....geometry import Sphere
from ...errors import SaveError
from .file import save
from .identity import device, equipment, numbers_of, tracking_id, tracking_uid
from .left_out import LeftOut
from .source import Plane, Source, refused
from .sr import corners_of
from .voxels import patches_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SERIES = 9005
LAYER = "NODULES"
_RESCALE = "PixelValueTransformationSequence"


def write_presentation_state(findings: Findings, path: Path | str, source: Source) -> list[str]:
    """Write the findings as circles and rectangles with their numbers, one annotation for each slice of each finding.

    Parameters
    ----------
    findings
        Of the series.
    path
        The file.
    source
        The series.

    Returns
    -------
    list of str
        Sentences on what was left out.

    Raises
    ------
    SaveError
        No finding crosses a slice, or the file could not be written.
    """
    from highdicom import pr

    layer = pr.GraphicLayer(LAYER, order=1, description="Lung nodules")
    numbers, annotations, used, left_out = numbers_of(findings), [], set(), []
    with refused(path):
        for finding in findings:
            number = numbers[finding.id]
            drawn = list(_graphics(finding, number, source))
            if not drawn:
                left_out.append(str(number))
            for frame, graphic, text in drawn:
                used.add(frame)
                annotations.append(
                    pr.GraphicAnnotation(
                        referenced_images=[source.instance(frame)],
                        referenced_frame_number=frame + 1 if source.is_multi_frame else None,
                        graphic_layer=layer,
                        graphic_objects=[graphic],
                        text_objects=[text] if text is not None else None,
                    )
                )
        if not annotations:
            raise SaveError(
                f"{path} was not saved: no finding crosses a slice of the series; choose csv or json"
            )
        images = with_one_rescale(
            source.datasets if source.is_multi_frame else [source.datasets[frame] for frame in sorted(used)],
            path,
        )
        state = pr.GrayscaleSoftcopyPresentationState(
            referenced_images=images,
            content_label=LAYER,
            content_description="Lung nodules, research use only",
            graphic_annotations=annotations,
            graphic_layers=[layer],
            series_description="Lung nodules: marks",
            **equipment(SERIES),
            **device(),
        )
    save(state, Path(path), source)
    return list(LeftOut.of("as they are on no slice", left_out))


def with_one_rescale(images: Sequence[Dataset], path: Path | str) -> Sequence[Dataset]:
    """Headers whose values become Hounsfield units by one rescale, which is all that a presentation state holds.

    Raises
    ------
    SaveError
        They have several.
    """
    per_frame = [g for image in images for g in image.get("PerFrameFunctionalGroupsSequence", ())]
    stated = [g.PixelValueTransformationSequence[0] for g in per_frame if _RESCALE in g]
    found = {(d.get("RescaleSlope"), d.get("RescaleIntercept")) for d in (stated or images)}
    if len(found) > 1:
        raise SaveError(
            f"{path} was not saved: the slices of the series are rescaled differently, and a presentation state holds one rescale "
            "for all; choose dicom-seg or dicom-sr"
        )
    if not stated:
        return images
    one = copy.deepcopy(images[0])  # the series is written from again
    one.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence = [stated[0]]
    for group in one.PerFrameFunctionalGroupsSequence:
        if _RESCALE in group:
            del group[_RESCALE]
    return [one]


def _graphics(finding: Finding, number: int, source: Source) -> Iterator[tuple[int, Any, Any]]:
    """Frame, graphic and text (None but on one slice) of each mark that a finding becomes."""
    from highdicom import pr

    names: dict[str, Any] = {
        "tracking_id": tracking_id(finding, number),
        "tracking_uid": tracking_uid(finding, source.image.series_uid),
    }
    if source.is_radiograph:
        if finding.box is not None:
            corners = corners_of(finding.box, source)
            graphic = pr.GraphicObject(pr.GraphicTypeValues.POLYLINE, corners, "PIXEL", **names)
            yield 0, graphic, _text(number, corners[:, 0].max(), corners[:, 1].min(), source)
        return
    if len(finding.center) != 3:
        return
    z, y, x = finding.center
    circles = dict(_circles(Sphere((z, y, x), finding.diameter), source))
    middle = max(circles, key=lambda frame: circles[frame][2], default=0)
    for frame, (column, row, radius) in circles.items():
        points = np.array([(column, row), (column + radius, row)])
        if points[1, 0] > source.shape[1]:  # the point on the circle must lie on the image
            points[1, 0] = column - radius
        graphic = pr.GraphicObject(pr.GraphicTypeValues.CIRCLE, points, "PIXEL", **names)
        yield (
            frame,
            graphic,
            _text(number, column + radius, row - radius, source) if frame == middle else None,
        )


def _text(number: int, column: float, row: float, source: Source) -> Any:
    from highdicom import pr

    place = (float(np.clip(column, 0, source.shape[1])), float(np.clip(row, 0, source.shape[0])))
    return pr.TextObject(str(number), "PIXEL", anchor_point=place, anchor_point_visible=False)


def _circles(sphere: Sphere, source: Source) -> Iterator[tuple[int, tuple[float, float, float]]]:
    """By frame: column, row and radius in columns of the circle in which a slice cuts a sphere; its equator where none does."""
    found = False
    for frame, plane in enumerate(source.planes):
        circle = None if plane is None else _circle(sphere, plane)
        if circle is not None:
            found = True
            yield frame, circle
    nearest = source.nearest(sphere.center)
    plane = source.planes[nearest]
    if not found and plane is not None and patches_of(sphere, source):
        row, column, _ = plane.to_pixels(np.asarray(sphere.center)[::-1])
        yield nearest, (column + 0.5, row + 0.5, sphere.diameter / 2 / plane.spacing[1])


def _circle(sphere: Sphere, plane: Plane) -> tuple[float, float, float] | None:
    row, column, height = plane.to_pixels(np.asarray(sphere.center)[::-1])
    left = (sphere.diameter / 2) ** 2 - height**2
    inside = 0 <= row + 0.5 <= plane.shape[0] and 0 <= column + 0.5 <= plane.shape[1]
    if left <= 0 or not inside:
        return None
    return float(column) + 0.5, float(row) + 0.5, float(np.sqrt(left)) / plane.spacing[1]
