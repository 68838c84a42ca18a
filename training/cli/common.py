"""What the commands share: messages, progress, tables, figures for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..errors import LungmtlError
from ..extras import missing_extra

if TYPE_CHECKING:
    from ..inference.progress import OnProgress

HINT = "'lungmtl --debug ...' shows where"


class Failed(LungmtlError):
    """A command cannot go on; the message is for a person, and the exit status 1."""


_DEBUG: ContextVar[bool] = ContextVar("debug", default=False)


def debug(on: bool) -> None:
    """Let unforeseen errors show their traceback."""
    _DEBUG.set(on)


def debugging() -> bool:
    """Whether ``lungmtl --debug`` was given."""
    return _DEBUG.get()


def explain(error: Exception) -> str:
    """An error as one line: its message, or for one that nobody foresaw also its kind and where to look."""
    error = missing_extra(error) or error
    message = " ".join(str(error).split())
    if isinstance(error, LungmtlError):
        return message
    return f"{type(error).__name__}: {message} ({HINT})"


def complain(what: str) -> None:
    """One line on standard error."""
    typer.echo(f"lungmtl: {' '.join(what.split())}", err=True)


@contextmanager
def explained() -> Generator[None]:
    """Turn an error into one line on standard error and exit status 1."""
    try:
        yield
    except (typer.Exit, typer.Abort, KeyboardInterrupt):
        raise
    except Exception as error:
        if debugging() and not isinstance(error, LungmtlError):
            raise
        complain(explain(error))
        raise typer.Exit(1) from error


@contextmanager
def progress(label: str) -> Generator[OnProgress]:
    """A bar on standard error that takes the fraction done and the stage; nothing where that is no terminal."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(escape(label), total=1.0)

        def on_progress(fraction: float, stage: str) -> None:
            bar.update(task, completed=fraction, description=escape(f"{label}: {stage}" if stage else label))

        yield on_progress


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> None:
    """Print a table to standard output; the first `left` columns are text, the others figures."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD)
    for i, name in enumerate(header):
        table.add_column(escape(name), justify="left" if i < left else "right", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    # A pipe has no width: give it enough that no identifier is broken.
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def write_json(values: Any, path: Path | None) -> None:
    """Write figures for machines, if there is a path."""
    from ..findings.formats.atomic import write_atomically

    if path is not None:
        write_atomically(path, json.dumps(values, indent=1, ensure_ascii=False).encode() + b"\n")
