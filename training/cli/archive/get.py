"""``lungmtl archive get``: a series of an archive, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..common import explained
from .options import Authority, Url, finish


def get(
    series: Annotated[str, typer.Argument(metavar="SERIES_UID", help="As 'lungmtl archive query' lists it.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the folder of the series is made.")],
    url: Url = "",
    ca: Authority = "",
) -> None:
    """Retrieve a series into a folder of its own, whole or not at all, and print its path.

    Example: lungmtl archive get 1.2.840.99.7 --url https://pacs.example.org/dicom-web --out studies
    """
    with explained():
        from ...dicomweb.retrieve import retrieve_series
        from ...dicomweb.server import server_at

        retrieved = finish("archive", retrieve_series(server_at(url, ca), series, out))
        there = " (was there already)" if retrieved.was_there else ""
        typer.echo(f"{retrieved.folder}: {retrieved.count} instances{there}")
