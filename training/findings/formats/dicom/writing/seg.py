"""Findings and lungs as DICOM segmentations: one segment each, on the slices that it lies on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....finding import Finding, Findings, Provenance, Region
from ...errors import SaveError
from .. import codes
from ..codes import Code
from .file import save
from .identity import algorithm, device, equipment, numbers_of, tracking_id, tracking_uid
from .left_out import LeftOut
from .source import Source, refused
from .voxels import Patches, gaps, label_array, patches_of, stacked_array, usual_distance

if TYPE_CHECKING:
    from highdicom.seg import Segmentation

NODULES_SERIES, LUNGS_SERIES = 9001, 9002
_SIDES = {"left lung": codes.LEFT, "right lung": codes.RIGHT}


@dataclass(frozen=True, eq=False)
class Segment:
    """A region with what is said of it."""

    label: str
    patches: Patches
    category: Code
    kind: Code
    algorithm_type: str
    algorithm: tuple[str, str] | None = None
    tracking: tuple[str, str] | None = None
    side: Code | None = None


def write_seg(findings: Findings, path: Path | str, source: Source, *, labelmap: bool = False) -> list[str]:
    """Write the nodules as a segmentation, and the lungs, where there are any, as another one beside it (``…_lungs.dcm``).

    A mask gives its voxels, a sphere those whose centre it holds.

    Parameters
    ----------
    findings
        Of the series.
    path
        The file.
    source
        The series.
    labelmap
        One number a voxel, run-length encoded, instead of a bit for each segment (BINARY).

    Returns
    -------
    list of str
        Sentences on what was left out.

    Raises
    ------
    SaveError
        Nothing of it has a region on the slices, or the file could not be written.
    """
    segments, said = nodule_segments(findings, source)
    lungs = lung_segments(findings, source)
    if not segments and not lungs:
        raise SaveError(
            f"{path} was not saved: a segmentation needs a sphere or a mask on the slices of the series, and there is none; "
            "choose dicom-sr, csv or json"
        )
    path = Path(path)
    if segments:
        save(segmentation(segments, path, source, labelmap=labelmap), path, source)
    if lungs:
        beside = path.with_name(f"{path.stem}_lungs{path.suffix}") if segments else path
        save(
            segmentation(lungs, beside, source, labelmap=labelmap, series_number=LUNGS_SERIES), beside, source
        )
        said.append(f"the lungs are in {beside.name}")
    return said


def nodule_segments(findings: Findings, source: Source) -> tuple[list[Segment], list[str]]:
    """The segments of all findings that have a region on the series, and sentences on the others."""
    numbers, segments, left_out, broken = numbers_of(findings), [], [], []
    far_apart = gaps(source)
    for finding in findings:
        patches = patches_of(finding.geometry, source)
        number = numbers[finding.id]
        if not patches:
            left_out.append(str(number))
            continue
        if any(one in patches and other in patches for one, other in far_apart):
            broken.append(str(number))
        segments.append(
            Segment(
                f"Nodule {number}",
                patches,
                codes.ABNORMAL,
                kind_of(finding, source),
                _algorithm_type(finding.provenance),
                algorithm(finding, findings.models) if finding.provenance.model else None,
                (tracking_id(finding, number), tracking_uid(finding, source.image.series_uid)),
            )
        )
    said: list[str] = [*LeftOut.of("without a region on the slices", left_out)]
    if broken:
        said.append(
            f"slices lie far apart, or are missing, within {', '.join(broken)}: no region is written between them"
        )
    return segments, said


def kind_of(finding: Finding, source: Source) -> Code:
    """Nodule, or mass from 30 mm on."""
    in_mm = source.image.units == "mm"
    return codes.MASS if in_mm and finding.diameter >= codes.MASS_MM else codes.NODULE


def _algorithm_type(provenance: Provenance) -> str:
    """How a region came about; what a network found and a person moved or painted is semiautomatic."""
    if not provenance.model:
        return "MANUAL"
    return "SEMIAUTOMATIC" if provenance.person else "AUTOMATIC"


def lung_segments(findings: Findings, source: Source) -> list[Segment]:
    """The segments of the lungs, as far as they are outlined."""
    named = [r for r in findings.regions if r.name in ("lungs", *_SIDES)]
    return [segment for region in named if (segment := _lung(region, source)).patches]


def _lung(region: Region, source: Source) -> Segment:
    who = region.provenance
    return Segment(
        region.name.capitalize(),
        patches_of(region.mask, source),
        codes.ANATOMY,
        codes.LUNG,
        _algorithm_type(who),
        (who.model, who.version or "unknown") if who.model else None,
        side=_SIDES.get(region.name),
    )


def segmentation(
    segments: Sequence[Segment],
    path: Path,
    source: Source,
    *,
    labelmap: bool = False,
    series_number: int = NODULES_SERIES,
) -> Segmentation:
    """Make the segmentation of some segments.

    The voxels are handed over in the order of the instances, each on the frame that it was made for: so they lie where they should
    however the series is sorted, turned or tilted.

    Raises
    ------
    SaveError
        Segments overlap, which a label map cannot hold, or the series lacks what a segmentation must copy.
    """
    import highdicom

    used = sorted({frame for segment in segments for frame in segment.patches})
    if source.is_multi_frame:
        used = list(range(len(source.planes)))
    frames = {frame: place for place, frame in enumerate(used)}
    regions = [segment.patches for segment in segments]
    array = label_array(regions, frames, source.shape)
    if array is None:
        if labelmap:
            raise SaveError(
                f"{path} was not saved: some marks overlap, and a label map holds one at each voxel; choose dicom-seg"
            )
        array = stacked_array(regions, frames, source.shape)
    images = source.datasets if source.is_multi_frame else [source.datasets[frame] for frame in used]
    with refused(path):
        made = highdicom.seg.Segmentation(
            source_images=images,
            pixel_array=array,
            segmentation_type="LABELMAP" if labelmap else "BINARY",
            segment_descriptions=[_description(n, segment) for n, segment in enumerate(segments, 1)],
            transfer_syntax_uid="1.2.840.10008.1.2.5" if labelmap else "1.2.840.10008.1.2.1",
            content_label="NODULES" if series_number == NODULES_SERIES else "LUNGS",
            series_description="Lung nodules" if series_number == NODULES_SERIES else "Lungs",
            **equipment(series_number),
            **device(),
        )
    if source.is_radiograph:
        # Pixel measures ask for a slice thickness, and a frame of reference for planes, which a projection has not: what was
        # segmented has its size and place (PS3.3 A.51.5.1).
        shared = made.SharedFunctionalGroupsSequence[0]
        for holder, name in (
            (shared, "PixelMeasuresSequence"),
            (made, "FrameOfReferenceUID"),
            (made, "PositionReferenceIndicator"),
        ):
            if name in holder:
                delattr(holder, name)
    elif not source.is_multi_frame:
        _say_distance(made, source)
    return made


def _say_distance(made: Any, source: Source) -> None:
    """Write the distance of the series' slices: highdicom writes that of the frames, as if there were none between them."""
    distance = usual_distance(source)
    if distance is None:
        return
    measures = made.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    evenly = abs(float(measures.get("SpacingBetweenSlices") or 0) - distance) < 1e-3 * distance
    measures.SpacingBetweenSlices = f"{distance:.8g}"
    if not evenly and "DimensionOrganizationType" in made:  # 3D: a stack without holes
        del made.DimensionOrganizationType


def _description(number: int, segment: Segment) -> Any:
    import highdicom

    description = highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=segment.label,
        segmented_property_category=concept(segment.category),
        segmented_property_type=concept(segment.kind),
        algorithm_type=segment.algorithm_type,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(
            name=segment.algorithm[0],
            family=concept(codes.ARTIFICIAL_INTELLIGENCE),
            version=segment.algorithm[1],
        )
        if segment.algorithm
        else None,
        tracking_id=segment.tracking[0] if segment.tracking else None,
        tracking_uid=segment.tracking[1] if segment.tracking else None,
        anatomic_regions=[concept(codes.LUNG)] if segment.kind is not codes.LUNG else None,
    )
    if segment.side is not None:
        kind = description.SegmentedPropertyTypeCodeSequence[0]
        kind.SegmentedPropertyTypeModifierCodeSequence = [concept(segment.side)]
    return description


def concept(code: Code) -> Any:
    """A code as highdicom takes it."""
    import highdicom

    return highdicom.sr.CodedConcept(code.value, code.scheme, code.meaning)
