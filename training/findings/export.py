"""Findings chosen and written as an export's options say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..export_options import Format, Which
from .finding import Finding, Findings
from .formats.coco import write_coco
from .formats.csv_file import write_csv
from .formats.errors import SaveError
from .formats.json_file import SUFFIX, write_findings
from .formats.luna16 import write_submission
from .formats.node21 import write_metadata
from .held import LOST, OUT, TELLS_STATUS
from .truth import is_true

if TYPE_CHECKING:
    from .formats.dicom.writing.source import Source

FILE_NAMES = {
    Format.CSV: "findings.csv",
    Format.JSON: f"findings{SUFFIX}",
    Format.LUNA16: "submission.csv",
    Format.NODE21: "metadata.csv",
    Format.COCO: "findings.coco.json",
    Format.YOLO: "findings.txt",
    Format.NIFTI: "findings.nii.gz",
    Format.NRRD: "findings.nrrd",
    Format.DICOM_SEG: "findings_seg.dcm",
    Format.DICOM_LABELMAP: "findings_labelmap.dcm",
    Format.DICOM_SR: "findings_sr.dcm",
    Format.DICOM_CAD: "findings_cad.dcm",
    Format.DICOM_KO: "findings_ko.dcm",
    Format.DICOM_GSPS: "findings_gsps.dcm",
}
"""What a file of each format is called, unless a person says otherwise."""
_AXES = {Format.LUNA16: 3, Format.NODE21: 2, Format.COCO: 2, Format.YOLO: 2}
IN_DICOM = frozenset(format for format in Format if format.value.startswith("dicom"))
"""Formats that are DICOM objects, and refer to the instances of the series."""
ONE_IMAGE = IN_DICOM | {Format.JSON, Format.YOLO, Format.NIFTI, Format.NRRD}
"""Formats of which a file holds the findings of one image."""


def chosen(findings: Findings, which: Which, shows: Callable[[Finding], bool]) -> Findings:
    """Return the part of the findings that `which` names.

    Parameters
    ----------
    findings
        All of an image.
    which
        The part.
    shows
        Whether a finding passes the thresholds.
    """
    if which is Which.ALL:
        return findings
    if which is Which.KEPT:
        return findings.with_items(tuple(f for f in findings if f.status != "rejected"))
    if which is Which.SHOWN:
        return findings.with_items(tuple(f for f in findings if shows(f)))
    return findings.with_items(tuple(f for f in findings if is_true(f)))


def tellable(findings: Findings, format: Format) -> Findings:
    """Leave out rejected findings where the format cannot say that they are: others would take them for found."""
    if format in TELLS_STATUS:
        return findings
    return findings.with_items(tuple(f for f in findings if f.status != "rejected"))


_PLURAL = {"sphere": "spheres", "box": "boxes", "mask": "masks"}
"""By kind, also what `held` calls it."""


def holdable(findings: Findings, format: Format) -> Findings:
    """Leave out also what a format has no place for by its kind, such as boxes in a segmentation: these are in no file.

    Which of the others lie on no slice of their series is known when they are written.
    """
    told = tellable(findings, format)
    return told.with_items(tuple(f for f in told if LOST[format].get(_PLURAL[f.kind]) != OUT))


def left_out_words(cases: Iterable[Findings], format: Format) -> str:
    """Tell what of these findings a format has no place for; empty where it has one for all.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> finding = lm.Finding(lm.Box((0, 0), (8, 8)))
    >>> left_out_words([lm.Findings([finding, lm.Finding(finding.geometry, status="rejected")])], Format.DICOM_SEG)
    '1 rejected and 1 box left out, as dicom-seg has no place for that'
    """
    counts: Counter[str] = Counter()
    for findings in cases:
        told, held = tellable(findings, format), holdable(findings, format)
        counts["rejected"] += len(findings) - len(told)
        counts.update(f.kind for f in told)
        counts.subtract(f.kind for f in held)
    words = [f"{n} {_PLURAL.get(name, name) if n > 1 else name}" for name, n in counts.items() if n]
    return f"{' and '.join(words)} left out, as {format.value} has no place for that" if words else ""


def export(
    cases: Sequence[Findings],
    path: Path | str,
    format: Format,
    networks: Sequence[str] = (),
    source: Source | None = None,
) -> list[str]:
    """Write the findings of images into one file.

    Parameters
    ----------
    cases
        The findings of each image.
    path
        The file.
    format
        Its format.
    networks
        Have columns in a CSV table in any case (`write_csv`).
    source
        The DICOM series that a DICOM object refers to; by default it is looked for where the findings' image was read from.

    Returns
    -------
    list of str
        Sentences on further files and on what was left out. What the format cannot hold at all is in `held`.

    Raises
    ------
    SaveError
        The format holds no such findings, or the file could not be written; the message says what to choose instead.
    """
    for findings in cases:
        if kinds := other_kinds(findings.image.shape, format):
            raise SaveError(f"{path} was not saved: {format.value} holds {kinds} only; choose csv or json")
    if format in ONE_IMAGE:
        if len(cases) != 1:
            what = f"a {SUFFIX} file" if format is Format.JSON else f"a file of {format.value}"
            raise SaveError(f"{path} was not saved: {what} holds one image, not {len(cases)}")
        return _one(cases[0], path, format, source)
    if format is Format.CSV:
        write_csv(cases, path, networks)
    elif format is Format.LUNA16:
        write_submission(cases, path)
    elif format is Format.NODE21:
        write_metadata(cases, path)
    else:
        write_coco(cases, path)
    return []


def other_kinds(shape: Sequence[int], format: Format) -> str:
    """What a format holds, where that is nothing that an image of this shape has (``boxes on radiographs``); else empty."""
    axes = _AXES.get(format)
    if axes is None or len(shape) in (0, axes):
        return ""
    return "spheres in CT volumes" if axes == 3 else "boxes on radiographs"


def _one(findings: Findings, path: Path | str, format: Format, source: Source | None) -> list[str]:
    """Write the file of one image."""
    if format is Format.JSON:
        write_findings(findings, path)
        return []
    if format is Format.YOLO:
        from .formats.labels.yolo import write_yolo

        return write_yolo(findings, path)
    if format in (Format.NIFTI, Format.NRRD):
        from .formats.labels.volume import write_label_volume

        return write_label_volume(
            findings, path, (".nii.gz", ".nii") if format is Format.NIFTI else (".nrrd",)
        )
    if not len(findings) and not findings.regions:
        raise SaveError(f"{path} was not saved: there is no finding to write")
    from .formats.dicom.writing.source import open_source

    return _in_dicom(findings, path, format, source or open_source(findings.image, path))


def _in_dicom(findings: Findings, path: Path | str, format: Format, source: Source) -> list[str]:
    if format is Format.DICOM_SR:
        from .formats.dicom.writing.sr import write_sr

        return write_sr(findings, path, source)
    if format is Format.DICOM_CAD:
        from .formats.dicom.writing.chest_cad import write_chest_cad

        return write_chest_cad(findings, path, source)
    if format is Format.DICOM_KO:
        from .formats.dicom.writing.key_objects import write_key_objects

        return write_key_objects(findings, path, source)
    if format is Format.DICOM_GSPS:
        from .formats.dicom.writing.presentation_state import write_presentation_state

        return write_presentation_state(findings, path, source)
    from .formats.dicom.writing.seg import write_seg

    return write_seg(findings, path, source, labelmap=format is Format.DICOM_LABELMAP)
