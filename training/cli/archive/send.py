"""``lungmtl archive send``: findings back to the archive, as SEG and SR."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...export_options import Which
from ..common import Failed, complain, explained
from .options import Authority, Url, finish


def send(
    findings: Annotated[Path, typer.Argument(metavar="FINDINGS", help="*.lungmtl.json of a DICOM series.")],
    url: Url = "",
    image: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="The series, where the findings do not say where it lies."),
    ] = None,
    which: Annotated[
        Which,
        typer.Option(
            help="Of them those shown above the thresholds, accepted, or not rejected; rejected ones never."
        ),
    ] = Which.SHOWN,
    ca: Authority = "",
) -> None:
    """Send findings to the archive that has their series: as segmentation (SEG) and report (SR), in the same study.

    What both cannot hold is said before. The archive's answer is checked for each object.

    Example: lungmtl archive send case.lungmtl.json --url https://pacs.example.org/dicom-web --which accepted
    """
    with explained():
        from ...dicomweb.findings import for_archive, loss_sentence, send_findings
        from ...dicomweb.server import server_at
        from ...findings.export import chosen
        from ..export import cases_of, threshold_of

        server = server_at(url, ca)
        cases = cases_of(findings, image, None)
        if len(cases) != 1:
            raise Failed(f"{findings} has findings of {len(cases)} images: send those of one")
        shown = threshold_of()
        part = chosen(cases[0], which, lambda f: f.score >= shown.get(f.provenance.model, 0.0))
        case = for_archive(part)
        if len(case) < len(part):
            complain(f"{len(part) - len(case)} rejected left out")
        if lost := loss_sentence(case):
            complain(lost)
        sent = finish("archive", send_findings(server, case))
        for each in sent.objects:
            typer.echo(f"{each.file.name}: {each.uid}")
        for sentence in sent.said:
            complain(f"warning: {sentence}")
        typer.echo(f"{server}: {sent.count} findings")
