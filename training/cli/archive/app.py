"""``lungmtl archive``: the group of commands."""

from __future__ import annotations

import typer

from .get import get
from .login import login
from .query import query
from .send import send

archive = typer.Typer(
    name="archive",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="An archive (PACS) over DICOMweb: find studies, retrieve a series, send findings back.",
)
for command in (query, get, send, login):
    archive.command()(command)
