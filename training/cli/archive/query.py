"""``lungmtl archive query``: a patient's chest studies and their series."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..common import complain, explained, output_file, show_table, write_json
from .options import Authority, Url, finish

HEADER = ("patient", "id", "date", "study", "modality", "series", "images", "series uid")


def query(
    url: Url = "",
    name: Annotated[
        str, typer.Option(metavar="TEXT", help="Part of the patient's name, or with * and ?.")
    ] = "",
    id: Annotated[str, typer.Option("--id", metavar="ID", help="The PatientID, or with * and ?.")] = "",
    date: Annotated[
        str, typer.Option(metavar="DATE", help="The study's day (2024-05-06), or 2024-05-01..2024-05-31.")
    ] = "",
    modality: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="CT, CR or DX (may be repeated); by default all three."),
    ] = None,
    ca: Authority = "",
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", callback=output_file, help="Write what was found for machines."),
    ] = None,
) -> None:
    """Find a patient's chest studies in an archive, with their series.

    User and password come from the keyring ('lungmtl archive login') or from LUNGMTL_ARCHIVE_USER and LUNGMTL_ARCHIVE_PASSWORD.

    Example: lungmtl archive query --url https://pacs.example.org/dicom-web --id KH-4711
    """
    with explained():
        from ...dicomweb.query import CHEST, MOST, Wanted, find_studies
        from ...dicomweb.server import server_at

        wanted = Wanted(name, id, date, tuple(each.strip().upper() for each in modality or CHEST))
        found = finish("archive", find_studies(server_at(url, ca), wanted))
        rows = [
            (
                study.patient,
                study.patient_id,
                study.date,
                study.description,
                series.modality,
                series.description,
                "" if series.n_instances is None else str(series.n_instances),
                series.uid,
            )
            for study in found.studies
            for series in study.series
        ]
        if rows:
            show_table("", HEADER, rows, left=len(HEADER))
        typer.echo(f"{len(found.studies)} studies, {len(rows)} series")
        if found.more:
            complain(f"there are more than {MOST} studies: say more of the patient or the date")
        write_json({"studies": [asdict(study) for study in found.studies], "more": found.more}, json)
