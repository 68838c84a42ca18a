"""Findings as a measurement report (DICOM PS3.16 TID 1500): one group each, with its place, size, ratings and status.

In a CT a sphere is an ellipsoid in space, and a mask refers to its segment in a segmentation that is written beside (TID 1411); on
a radiograph a box is a closed polyline in pixels of the image (TID 1410). Pixels count from the outer corner of the first one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ....finding import ATTRIBUTES, MALIGNANCY, Finding, Findings
from ....geometry import Box, Mask, Sphere
from ....measurements.of_nodules import axes_of
from ...errors import SaveError
from ...pixels import grid
from .. import codes
from ..codes import Code
from ..sr_said import said_items
from .file import save
from .identity import (
    NAME,
    algorithm,
    equipment,
    numbers_of,
    person_name,
    software_version,
    tracking_id,
    tracking_uid,
)
from .left_out import LeftOut
from .seg import Segment, concept, kind_of, nodule_segments, segmentation
from .source import Source, refused
from .voxels import patches_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SERIES = 9003
AXES_MM = {"long": codes.LONG_AXIS, "short": codes.SHORT_AXIS}


def write_sr(findings: Findings, path: Path | str, source: Source, masks: Dataset | None = None) -> list[str]:
    """Write a report on all findings, and beside it (``…_seg.dcm``) the segmentation that it refers to, if there are masks.

    Parameters
    ----------
    findings
        Of the series.
    path
        The file.
    source
        The series.
    masks
        A segmentation of the same findings that is there already (`write_seg`): then it is referred to, and none is written.

    Returns
    -------
    list of str
        Sentences on what was left out, and on the second file.

    Raises
    ------
    SaveError
        There is nothing to report, the series lacks what a report must copy, or a file could not be written.
    """
    path = Path(path)
    segments, said = _masks(findings, source) if masks is None else ([], [])
    numbers = numbers_of(findings)
    with refused(path):
        seg = segmentation(segments, path, source) if segments else masks
        where = _numbers(seg)
        groups, left_out = [], []
        for finding in findings:
            group = _group(finding, numbers[finding.id], findings, source, seg, where)
            if group is None:
                left_out.append(str(numbers[finding.id]))
            else:
                groups.append(group)
        if not groups:
            raise SaveError(f"{path} was not saved: there is no finding to report on; choose csv or json")
        report = _report(groups, findings, source, [] if seg is None else [seg])
    if seg is not None and masks is None:
        beside = path.with_name(f"{path.stem}_seg{path.suffix}")
        save(seg, beside, source)
        said.append(f"the masks that it refers to are in {beside.name}: keep both together")
    save(report, path, source)
    return [*said, *LeftOut.of("without a place in the report", left_out)]


def _masks(findings: Findings, source: Source) -> tuple[list[Segment], list[str]]:
    """The segments of the masks in space; on a radiograph a report has boxes."""
    if source.is_radiograph:
        return [], []
    masks = tuple(f for f in findings if isinstance(f.geometry, Mask))
    numbers = numbers_of(findings)
    return nodule_segments(findings.with_items(tuple(f.with_(number=numbers[f.id]) for f in masks)), source)


def _numbers(seg: Dataset | None) -> dict[str, int]:
    """The number of each tracked segment, by its tracking identifier."""
    segments = [] if seg is None else seg.SegmentSequence
    return {str(s.TrackingUID): int(s.SegmentNumber) for s in segments if "TrackingUID" in s}


def _group(
    finding: Finding,
    number: int,
    findings: Findings,
    source: Source,
    seg: Dataset | None,
    where: dict[str, int],
) -> Any:
    """The measurement group of a finding, or None where it has no place on the series."""
    from highdicom import sr

    uid = tracking_uid(finding, source.image.series_uid)
    lung = concept(codes.LUNG)
    side = _side(finding, findings)
    common: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(uid, tracking_id(finding, number)),
        "finding_type": concept(kind_of(finding, source)),
        "finding_sites": [sr.FindingSite(lung, laterality=concept(side) if side else None)],
        "measurements": list(_measurements(finding, findings, source)),
        "qualitative_evaluations": list(_evaluations(finding)),
    }
    if finding.provenance.model:
        name, release = algorithm(finding, findings.models)
        common["algorithm_id"] = sr.AlgorithmIdentification(
            name=name, version=release, family=concept(codes.ARTIFICIAL_INTELLIGENCE)
        )
    geometry = finding.geometry
    if source.is_radiograph:
        if finding.box is None:
            return None
        region = _rectangle(finding.box, source)
        made: Any = sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=region, **common)
    elif isinstance(geometry, Sphere):
        surface = sr.VolumeSurface(
            "ELLIPSOID",
            _ends(geometry),
            str(source.datasets[0].FrameOfReferenceUID),
            source_series=sr.SourceSeriesForSegmentation(str(source.datasets[0].SeriesInstanceUID)),
        )
        made = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_volume_surface=surface, **common
        )
    elif uid in where and seg is not None:
        series = sr.SourceSeriesForSegmentation(str(source.datasets[0].SeriesInstanceUID))
        segment = sr.ReferencedSegment(seg.SOPClassUID, seg.SOPInstanceUID, where[uid], source_series=series)
        made = sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **common)
    else:
        return None
    made[0].ContentSequence.extend(said_items(finding))
    if finding.note.strip():
        comment = sr.TextContentItem(concept(codes.COMMENT), finding.note, sr.RelationshipTypeValues.CONTAINS)
        made[0].ContentSequence.append(comment)
    return made


def _ends(sphere: Sphere) -> np.ndarray:
    """The ends of the three axes (6, 3) x, y, z in mm."""
    center, radius = np.asarray(sphere.center)[::-1], sphere.diameter / 2
    return np.array([center + sign * radius * axis for axis in np.eye(3) for sign in (-1, 1)])


def _rectangle(box: Box, source: Source) -> Any:
    from highdicom import sr

    picture = source.datasets[0]
    return sr.ImageRegion(
        sr.GraphicTypeValues.POLYLINE,
        corners_of(box, source),
        sr.SourceImageForRegion(str(picture.SOPClassUID), str(picture.SOPInstanceUID)),
    )


def corners_of(box: Box, source: Source) -> np.ndarray:
    """The corners of a box (5, 2) column, row in pixels of its picture from the outer corner of the first one; the first twice."""
    spacing, origin = (np.asarray(v) for v in grid(source.image))
    (y0, x0), (y1, x1) = ((np.asarray(corner) - origin) / spacing + 0.5 for corner in (box.low, box.high))
    rows, columns = np.clip((y0, y1), 0, source.shape[0]), np.clip((x0, x1), 0, source.shape[1])
    return np.array([(columns[i], rows[j]) for i, j in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))])


def _side(finding: Finding, findings: Findings) -> Code | None:
    """The lung that a finding's centre lies in, where the lungs are outlined and told apart."""
    for name, side in (("left lung", codes.LEFT), ("right lung", codes.RIGHT)):
        region = findings.region(name)
        if (
            region is not None
            and len(region.mask.shape) == len(finding.center)
            and _holds(region.mask, finding)
        ):
            return side
    return None


def _holds(mask: Mask, finding: Finding) -> bool:
    index = np.rint((np.asarray(finding.center) - mask.origin) / np.asarray(mask.spacing)).astype(int)
    if (index < 0).any() or (index >= mask.shape).any():
        return False
    flat = int(np.ravel_multi_index(tuple(index), mask.shape))
    return any(start <= flat < start + length for start, length in mask.runs)


def _measurements(finding: Finding, findings: Findings, source: Source) -> Iterable[Any]:
    import highdicom

    method = concept(codes.READERS_OPINION)

    def measured(name: Code, value: float, unit: Code, method: Any = None) -> Any:
        return highdicom.sr.Measurement(concept(name), float(value), concept(unit), method=method)

    if source.image.units == "mm":
        if finding.kind == "box":
            yield measured(codes.LONG_AXIS, finding.diameter, codes.MM)
        else:
            yield measured(codes.DIAMETER, finding.diameter, codes.MM)
        axes = axes_of(findings.measurements, finding.id)
        for name, code in AXES_MM.items():
            if axes is not None and name in axes.values:
                yield measured(code, axes.values[name], codes.MM)
        if len(finding.center) == 3:
            yield measured(codes.VOLUME, np.pi / 6 * finding.diameter**3, codes.MM3)
    if finding.network_score is not None:
        yield measured(codes.CERTAINTY, 100 * finding.network_score, codes.PERCENT)
    if finding.malignancy is not None:
        yield measured(codes.CANCER, 100 * finding.malignancy, codes.PERCENT, method)


def _evaluations(finding: Finding) -> Iterable[Any]:
    from highdicom.sr import QualitativeEvaluation

    yield QualitativeEvaluation(concept(codes.RENDERING), concept(codes.STATUS[finding.status]))
    rated = {name: finding.attributes[name] for name in ATTRIBUTES if name in finding.attributes}
    if finding.malignancy is not None:
        # What readers would say on the scale itself, where it is known: P(> 3) is small also where they are undecided.
        shares = finding.votes.get(MALIGNANCY)
        mean = None if shares is None else sum(grade * share for grade, share in enumerate(shares, 1))
        rated[MALIGNANCY] = 1 + 4 * finding.malignancy if mean is None else mean
    for name, value in rated.items():
        yield QualitativeEvaluation(concept(codes.ATTRIBUTE[name]), concept(codes.grade_code(name, value)))


def _report(groups: Sequence[Any], findings: Findings, source: Source, segs: Sequence[Dataset]) -> Dataset:
    from highdicom import sr

    reported = codes.CHEST_RADIOGRAPH if source.is_radiograph else codes.CHEST_CT
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_person_context=observer_person(findings.done_by),
            observer_device_context=observer_device(),
        ),
        procedure_reported=concept(reported),
        imaging_measurements=list(groups),
        title=concept(codes.REPORT),
    )
    evidence = [*_shown(findings, source), *segs]
    kind = sr.ComprehensiveSR if source.is_radiograph else sr.Comprehensive3DSR
    return kind(
        evidence=evidence,
        content=content[0],
        is_complete=bool(findings.done_by),
        series_description="Lung nodules: measurements",
        coding_schemes=_schemes(),
        **equipment(SERIES),
    )


def _schemes() -> list[Any]:
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return [CodingSchemeIdentificationItem(scheme, name=name) for scheme, name in codes.SCHEMES.items()]


def _shown(findings: Findings, source: Source) -> list[Dataset]:
    """The instances on which the findings lie."""
    if source.is_radiograph or source.is_multi_frame:
        return list(source.datasets)
    frames = {frame for f in findings for frame in patches_of(f.geometry, source)}
    return [source.datasets[frame] for frame in sorted(frames)] or list(source.datasets)


def observer_person(name: str) -> Any:
    """The reader who observed, or None where nobody said so."""
    from highdicom import sr
    from pydicom.sr.codedict import codes as dictionary

    if not name.strip():
        return None
    attributes = sr.PersonObserverIdentifyingAttributes(person_name(name))
    return sr.ObserverContext(dictionary.DCM.Person, attributes)


def observer_device() -> Any:
    """This program as the observer; its identifier follows from name and version."""
    import uuid

    from highdicom import sr
    from pydicom.sr.codedict import codes as dictionary

    uid = f"2.25.{uuid.uuid5(uuid.NAMESPACE_DNS, f'{NAME}/{software_version()}').int}"
    attributes = sr.DeviceObserverIdentifyingAttributes(
        uid, name=NAME, manufacturer_name=NAME, model_name=NAME, serial_number=software_version()
    )
    return sr.ObserverContext(dictionary.DCM.Device, attributes)
