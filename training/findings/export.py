"""Findings chosen and written as an export's options say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..export_options import Format, Which
from .finding import Finding, Findings
from .formats.coco import write_coco
from .formats.csv_file import write_csv
from .formats.errors import SaveError
from .formats.json_file import SUFFIX, write_findings
from .formats.luna16 import write_submission
from .formats.node21 import write_metadata

FILE_NAMES = {
    Format.CSV: "findings.csv",
    Format.JSON: f"findings{SUFFIX}",
    Format.LUNA16: "submission.csv",
    Format.NODE21: "metadata.csv",
    Format.COCO: "findings.coco.json",
}
"""What a file of each format is called, unless a person says otherwise."""
_AXES = {Format.LUNA16: 3, Format.NODE21: 2, Format.COCO: 2}


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
    if which is Which.SHOWN:
        return findings.with_items(tuple(f for f in findings if shows(f)))
    return findings.with_items(tuple(f for f in findings if _is_accepted(f)))


def _is_accepted(finding: Finding) -> bool:
    drawn = not finding.provenance.model or bool(finding.provenance.person)
    return finding.status == "accepted" or (drawn and finding.status != "rejected")


def export(cases: Sequence[Findings], path: Path | str, format: Format, networks: Sequence[str] = ()) -> None:
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

    Raises
    ------
    SaveError
        The format holds no such findings, or the file could not be written; the message says what to choose instead.
    """
    axes = _AXES.get(format)
    if axes is not None and any(len(findings.image.shape) not in (0, axes) for findings in cases):
        kind = "spheres in CT volumes" if axes == 3 else "boxes on radiographs"
        raise SaveError(f"{path} was not saved: {format.value} holds {kind} only; choose csv or json")
    if format is Format.JSON:
        if len(cases) != 1:
            raise SaveError(f"{path} was not saved: a {SUFFIX} file holds one image, not {len(cases)}")
        write_findings(cases[0], path)
    elif format is Format.CSV:
        write_csv(cases, path, networks)
    elif format is Format.LUNA16:
        write_submission(cases, path)
    elif format is Format.NODE21:
        write_metadata(cases, path)
    else:
        write_coco(cases, path)
