"""``lungmtl import``: findings that other programs wrote, as this one's file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import Failed, complain, explained, output_file


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="DICOM SEG, SR, GSPS or RTSTRUCT, a label volume, COCO, YOLO, a table."
        ),
    ],
    image: Annotated[Path, typer.Option(metavar="PATH", help="The image that the findings lie on.")],
    out: Annotated[
        Path,
        typer.Option(metavar="FILE", callback=output_file, help="A new *.lungmtl.json; none is replaced."),
    ],
    series: Annotated[
        str | None, typer.Option(metavar="UID", help="Which series of --image, where it holds several.")
    ] = None,
) -> None:
    """Read findings from whichever file there is, and write them as *.lungmtl.json beside what could not be read.

    What 'lungmtl export' wrote comes back with its numbers, ratings and decisions, as far as the format holds them. A report that
    refers to a segmentation needs it in the same folder.

    Example: lungmtl import seg.dcm --image ~/studies/case --out case.lungmtl.json
    """
    with explained():
        from ..findings.formats.json_file import SUFFIX, write_findings
        from ..findings.import_file import import_findings
        from ..imaging.read import read_image

        if not out.name.endswith(SUFFIX):
            raise Failed(f"{out} is no name of a findings file: let it end in {SUFFIX}")
        if out.exists():
            raise Failed(f"{out} is there already, and a person's work may be in it: name another --out")
        findings, problems = import_findings(file, read_image(image, series=series))
        for problem in problems:
            complain(f"warning: {problem}")
        write_findings(findings, out)
        typer.echo(f"{out}: {len(findings)} findings")
