"""Findings for an archive: one segmentation (SEG), and the report (SR) that refers to it."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from ..export_options import Format
from ..findings import Findings
from ..findings.export import tellable
from ..findings.formats.errors import SaveError
from ..findings.held import ASPECTS, OUT, lost_of
from ..inference.predictor import Progress
from .connection import connect
from .errors import ArchiveError
from .query import find_series
from .server import Server
from .store import Sent, send


@dataclass(frozen=True)
class SentFindings:
    """What became of findings that were sent.

    Parameters
    ----------
    count
        How many findings the objects hold.
    objects
        What the archive took.
    said
        Sentences on what was left out, and what the archive changed.
    """

    count: int
    objects: tuple[Sent, ...]
    said: tuple[str, ...] = ()


def for_archive(findings: Findings) -> Findings:
    """Leave out what a person rejected: most viewers show every mark of a report as found."""
    return tellable(findings, Format.DICOM_SEG)


def loss_sentence(findings: Findings) -> str:
    """Tell a person what SEG and SR together cannot hold of findings; empty where they hold all.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> from napari_lungmtl.training.findings import Box
    >>> image = lm.Findings([lm.Finding(lm.Sphere((0, 0, 0), 8), note="beside a vessel", attributes={"margin": 2.4})])
    >>> loss_sentence(image)
    'SEG and SR do not hold: attributes (as whole grades)'
    """
    seg, sr = (lost_of([findings], format) for format in (Format.DICOM_SEG, Format.DICOM_SR))
    both = {aspect: sr[aspect] if sr[aspect] != OUT else seg[aspect] for aspect in sr if aspect in seg}
    words = [
        aspect if both[aspect] == OUT else f"{aspect} ({both[aspect]})"
        for aspect in ASPECTS
        if aspect in both
    ]
    return f"SEG and SR do not hold: {', '.join(words)}" if words else ""


def write_objects(findings: Findings, folder: Path) -> tuple[list[Path], list[str]]:
    """Write findings as SEG and SR, in the order in which they are sent.

    Parameters
    ----------
    findings
        Of a DICOM series that lies where it was read from.
    folder
        Where the files are written.

    Returns
    -------
    tuple
        The files, and sentences on what was left out.

    Raises
    ------
    SaveError
        There is nothing to write, or the series is no DICOM or not there any more.
    """
    import pydicom

    from ..findings.formats.dicom.writing.seg import write_seg
    from ..findings.formats.dicom.writing.source import open_source
    from ..findings.formats.dicom.writing.sr import write_sr

    if not len(findings):
        raise SaveError("Nothing was sent: there is no finding to send.")
    seg, report = folder / "nodules_seg.dcm", folder / "report_sr.dcm"
    source = open_source(findings.image, report)
    said: list[str] = []
    solid = findings.with_items(tuple(f for f in findings if f.kind != "box"))
    if len(solid) or findings.regions:
        said += [s for s in write_seg(solid, seg, source) if not s.startswith("the lungs are in")]
    masks = pydicom.dcmread(seg) if seg.exists() else None
    said += write_sr(findings, report, source, masks)
    return [*sorted(folder.glob("nodules_seg*.dcm")), report], said


def send_findings(server: Server, findings: Findings) -> Generator[Progress, None, SentFindings]:
    """Write findings as SEG and SR, and send them to the archive that has their series.

    Yields
    ------
    Progress
        At each step; to close the generator stops it between two objects.

    Raises
    ------
    ArchiveError
        As `told`; the archive does not have the series, or refused an object.
    SaveError
        As `write_objects`.
    """
    yield Progress(0.0, "asking for the series")
    # The objects would stand alone there, in a study of their own.
    find_series(connect(server), server, findings.image.series_uid.partition("#")[0])
    with tempfile.TemporaryDirectory(prefix="lungmtl-") as folder:
        yield Progress(0.1, "writing SEG and SR")
        files, said = write_objects(findings, Path(folder))
        sent = yield from send(server, files)
    refused = [each for each in sent if each.refused]
    if refused:
        taken = ", ".join(each.file.name for each in sent if not each.refused) or "nothing"
        raise ArchiveError(
            f"{server} did not take {refused[0].file.name} ({refused[0].refused}); it has taken {taken}."
        )
    said += [f"{server} took {each.file.name}, and says that {each.warning}" for each in sent if each.warning]
    return SentFindings(len(findings), sent, tuple(said))
