"""What the commands share: which server, and how long it takes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ..common import progress

if TYPE_CHECKING:
    from ...inference.predictor import Progress

R = TypeVar("R")

Url = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        help="The server, as https://pacs.example.org/dicom-web; by default that of LUNGMTL_ARCHIVE_URL.",
    ),
]
Authority = Annotated[
    str,
    typer.Option(
        "--ca",
        metavar="FILE",
        help="Certificates (PEM) that the server's own is checked against; by default those of LUNGMTL_ARCHIVE_CA.",
    ),
]


def finish(label: str, run: Generator[Progress, None, R]) -> R:
    """Exhaust a run behind a bar; stopped, it cleans up at once."""
    with closing(run), progress(label) as on_progress:
        while True:
            try:
                step = next(run)
            except StopIteration as end:
                return end.value
            on_progress(step.fraction, step.stage)
