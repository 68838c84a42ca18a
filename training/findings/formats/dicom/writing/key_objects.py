"""The slices through the nodules as a key object selection: a list that a viewer can jump through."""

from __future__ import annotations

from pathlib import Path

from ....finding import Findings
from ...errors import SaveError
from .. import codes
from .file import save
from .identity import equipment, numbers_of
from .left_out import LeftOut
from .seg import concept
from .source import Source, refused
from .sr import observer_device, observer_person
from .voxels import patches_of

SERIES = 9004


def write_key_objects(findings: Findings, path: Path | str, source: Source) -> list[str]:
    """Write a selection of the instances on which the middles of the findings lie (one radiograph: itself).

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
        Sentences on what it leaves out.

    Raises
    ------
    SaveError
        No finding lies on the series, or the file could not be written.
    """
    frames: dict[int, list[int]] = {}
    numbers, left_out = numbers_of(findings), []
    for finding in findings:
        if source.is_radiograph:
            frames.setdefault(0, []).append(numbers[finding.id])
        elif patches_of(finding.geometry, source):
            frames.setdefault(source.nearest(finding.center), []).append(numbers[finding.id])
        else:
            left_out.append(str(numbers[finding.id]))
    if not frames:
        raise SaveError(f"{path} was not saved: no finding lies on a slice of the series; choose csv or json")
    from highdicom import ko

    instances = {str(d.SOPInstanceUID): d for d in map(source.instance, sorted(frames))}
    described = "; ".join(
        f"nodule {', '.join(map(str, sorted(of)))}"
        + ("" if source.is_radiograph else f" on slice {frame + 1}")
        for frame, of in sorted(frames.items())
    )
    with refused(path):
        selection = ko.KeyObjectSelection(
            document_title=concept(codes.OF_INTEREST),
            referenced_objects=list(instances.values()),
            observer_person_context=observer_person(findings.done_by),
            observer_device_context=observer_device(),
            description=described,
        )
        document = ko.KeyObjectSelectionDocument(
            evidence=list(instances.values()),
            content=selection,
            series_description="Lung nodules: key slices",
            **equipment(SERIES),
        )
    save(document, Path(path), source)
    return list(LeftOut.of("as they are on no slice", left_out))
