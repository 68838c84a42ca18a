"""Findings as a Chest CAD report (DICOM PS3.16 TID 4100), for a PACS that asks for one; others read the measurement report.

It knows no places in space: each nodule is a single-image finding on the slice through its middle, with centre and outline in
pixels from the outer corner of the first one (TID 4104, 4107).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydicom.uid import UID

from ....finding import Finding, Findings
from ...errors import SaveError
from .. import codes
from ..codes import Code
from .file import save
from .identity import NAME, algorithm, equipment, numbers_of, software_version, tracking_id, tracking_uid
from .left_out import LeftOut
from .seg import concept, kind_of
from .source import Source, refused
from .sr import corners_of, observer_device
from .voxels import patches_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SERIES = 9009
SOP_CLASS = "1.2.840.10008.5.1.4.1.1.88.65"
DEFAULT_THRESHOLD = 0.5
"""Score from which on a mark is to be shown, where its network says no other."""

_REPORT = Code("112000", "DCM", "Chest CAD Report")
_LANGUAGE = Code("121049", "DCM", "Language of Content Item and Descendants")
_ENGLISH = Code("en", "RFC5646", "English")
_LIBRARY = Code("111028", "DCM", "Image Library")
_SUMMARY = Code("111017", "DCM", "CAD Processing and Findings Summary")
_WITH_FINDINGS = Code("111242", "DCM", "All algorithms succeeded; with findings")
_FINDING = Code("111059", "DCM", "Single Image Finding")
_OPACITY = Code("112033", "DCM", "Abnormal opacity")
_MODIFIER = Code("112024", "DCM", "Single Image Finding Modifier")
_ALGORITHM, _VERSION = Code("111001", "DCM", "Algorithm Name"), Code("111003", "DCM", "Algorithm Version")
_TRACKING, _TRACKING_UID = (
    Code("112039", "DCM", "Tracking Identifier"),
    Code("112040", "DCM", "Tracking Unique Identifier"),
)
_CENTER, _OUTLINE = Code("111010", "DCM", "Center"), Code("111041", "DCM", "Outline")
_DETECTIONS, _SUCCEEDED = (
    Code("111064", "DCM", "Summary of Detections"),
    Code("111222", "DCM", "Succeeded"),
)
_SUCCESSFUL, _PERFORMED = (
    Code("111063", "DCM", "Successful Detections"),
    Code("111022", "DCM", "Detection Performed"),
)
_ANALYSES, _NOT_ATTEMPTED = (
    Code("111065", "DCM", "Summary of Analyses"),
    Code("111225", "DCM", "Not Attempted"),
)


def write_chest_cad(findings: Findings, path: Path | str, source: Source) -> list[str]:
    """Write a Chest CAD report with one single-image finding for each nodule.

    Accepted and drawn ones, and those whose score passes the threshold of their network, are to be presented; the others may be;
    rejected ones are not for presentation.

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
        No finding lies on a slice, or the file could not be written.
    """
    numbers, placed, left_out = numbers_of(findings), [], []
    for finding in findings:
        place = _place(finding, source)
        if place is None:
            left_out.append(str(numbers[finding.id]))
        else:
            placed.append((finding, place))
    if not placed:
        raise SaveError(f"{path} was not saved: no finding lies on a slice of the series; choose csv or json")
    with refused(path):
        marks = [_single(f, numbers[f.id], findings, source, place) for f, place in placed]
        frames = sorted({place.frame for _, place in placed})
        report = _document(marks, {_algorithm(f, findings) for f, _ in placed}, frames, source)
    save(report, Path(path), source)
    return list(LeftOut.of("as they are on no slice", left_out))


class Place(NamedTuple):
    """The frame that a finding lies on, its centre (column, row), and graphic type and points (n, 2) of its outline."""

    frame: int
    center: np.ndarray
    outline: str
    points: np.ndarray


def _place(finding: Finding, source: Source) -> Place | None:
    """Where a finding is drawn; None where it lies on no frame."""
    if source.is_radiograph:
        if finding.box is None:
            return None
        corners = corners_of(finding.box, source)
        return Place(0, (corners[0] + corners[2]) / 2, "POLYLINE", corners)
    if len(finding.center) != 3 or not patches_of(finding.geometry, source):
        return None
    frame = source.nearest(finding.center)
    plane = source.planes[frame]
    assert plane is not None
    row, column, _ = plane.to_pixels(np.asarray(finding.center)[::-1])
    limits = np.array([source.shape[1], source.shape[0]])
    center = np.clip(np.array([column, row]) + 0.5, 0, limits)
    radius = finding.diameter / 2 / plane.spacing[1]
    edge = center + (radius if center[0] + radius <= limits[0] else -radius, 0)
    return Place(frame, center, "CIRCLE", np.array([center, np.clip(edge, 0, limits)]))


def _algorithm(finding: Finding, findings: Findings) -> tuple[str, str]:
    """Name and version of what found it; a report has no place for a mark without an algorithm."""
    if finding.provenance.model:
        return algorithm(finding, findings.models)
    return f"{NAME}: drawn by a person", software_version()


def _intent(finding: Finding, findings: Findings) -> Code:
    if finding.status != "unreviewed" or finding.network_score is None:
        return codes.STATUS["accepted" if finding.status == "unreviewed" else finding.status]
    model = next((m for m in findings.models if m.get("name") == finding.provenance.model), {})
    threshold = model.get("threshold", model.get("default_threshold", DEFAULT_THRESHOLD))
    return codes.STATUS["accepted" if finding.score >= float(threshold) else "unreviewed"]


def _single(finding: Finding, number: int, findings: Findings, source: Source, place: Place) -> Any:
    """A single-image finding (TID 4104)."""
    from highdicom import sr

    name, release = _algorithm(finding, findings)
    parts = [
        _code(_MODIFIER, kind_of(finding, source), "HAS CONCEPT MOD"),
        _code(codes.RENDERING, _intent(finding, findings), "HAS CONCEPT MOD"),
        sr.TextContentItem(concept(_TRACKING), tracking_id(finding, number), "HAS OBS CONTEXT"),
        sr.UIDRefContentItem(
            concept(_TRACKING_UID), tracking_uid(finding, source.image.series_uid), "HAS OBS CONTEXT"
        ),
        *_identification(name, release, "HAS OBS CONTEXT"),
    ]
    if finding.network_score is not None:
        certainty = 100 * finding.network_score
        parts.append(
            sr.NumContentItem(
                concept(codes.CERTAINTY), certainty, concept(codes.PERCENT), None, "HAS PROPERTIES"
            )
        )
    for what, kind, where in (
        (_CENTER, "POINT", place.center[None]),
        (_OUTLINE, place.outline, place.points),
    ):
        region = sr.ScoordContentItem(concept(what), kind, where, None, None, "HAS PROPERTIES")
        region.ContentSequence = sr.ContentSequence([_image(place.frame, source, "SELECTED FROM")])
        parts.append(region)
    return _with(_code(_FINDING, _OPACITY, "INFERRED FROM"), parts)


def _identification(name: str, release: str, relation: str) -> list[Any]:
    from highdicom import sr

    texts = ((_ALGORITHM, name), (_VERSION, release))
    return [sr.TextContentItem(concept(what), text, relation) for what, text in texts]


def _code(name: Code, value: Code, relation: str) -> Any:
    from highdicom import sr

    return sr.CodeContentItem(concept(name), concept(value), relation)


def _with(item: Any, parts: Sequence[Any]) -> Any:
    """An item with others below it."""
    from highdicom import sr

    item.ContentSequence = sr.ContentSequence(list(parts))
    return item


def _image(frame: int, source: Source, relation: str) -> Any:
    """A reference to an image. The templates give it no name, highdicom asks for one: `_without_names` takes it out."""
    from highdicom import sr

    instance = source.instance(frame)
    return sr.ImageContentItem(
        concept(_LIBRARY),
        str(instance.SOPClassUID),
        str(instance.SOPInstanceUID),
        referenced_frame_numbers=frame + 1 if source.is_multi_frame else None,
        relationship_type=relation,
    )


def _document(
    marks: Sequence[Any], algorithms: set[tuple[str, str]], frames: Sequence[int], source: Source
) -> Dataset:
    """The report (TID 4100) around the single-image findings."""
    from highdicom import sr

    library = _with(
        sr.ContainerContentItem(concept(_LIBRARY), relationship_type="CONTAINS"),
        [_image(frame, source, "CONTAINS") for frame in frames],
    )
    performed = [
        _with(
            _code(_PERFORMED, codes.NODULE, "CONTAINS"),
            [
                *_identification(*each, "HAS PROPERTIES"),
                *(_image(frame, source, "HAS PROPERTIES") for frame in frames),
            ],
        )
        for each in sorted(algorithms)
    ]
    detections = sr.ContainerContentItem(concept(_SUCCESSFUL), relationship_type="INFERRED FROM")
    root = sr.ContainerContentItem(concept(_REPORT), template_id="4100")
    observers = observer_device()
    for item in observers:
        item.RelationshipType = "HAS OBS CONTEXT"
    root.ContentSequence = sr.ContentSequence(
        [
            _code(_LANGUAGE, _ENGLISH, "HAS CONCEPT MOD"),
            *observers,
            library,
            _with(_code(_SUMMARY, _WITH_FINDINGS, "CONTAINS"), marks),
            _with(_code(_DETECTIONS, _SUCCEEDED, "CONTAINS"), [_with(detections, performed)]),
            _code(_ANALYSES, _NOT_ATTEMPTED, "CONTAINS"),
        ]
    )
    used = {str(source.instance(f).SOPInstanceUID): source.instance(f) for f in frames}
    report: Dataset = sr.ComprehensiveSR(
        evidence=list(used.values()),
        content=root,
        series_description="Lung nodules: Chest CAD",
        is_complete=True,
        **equipment(SERIES),
    )
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = UID(SOP_CLASS)
    _without_names(report)
    return report


def _without_names(item: Dataset) -> None:
    for part in item.get("ContentSequence", ()):
        if part.ValueType == "IMAGE":
            del part.ConceptNameCodeSequence
        _without_names(part)
