"""What the commands share: messages, progress, tables, figures for machines."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..error_boundary import STOPS, foreseen, require_regular, sentence
from ..errors import LungmtlError
from ..log_file import keep_log, log_error
from ..storage.address import address_of

if TYPE_CHECKING:
    from ..inference.progress import OnProgress

HINT = "'lungmtl --debug ...' shows where"


class Failed(LungmtlError):
    """A command cannot go on; the message is for a person, and the exit status 1."""


_DEBUG: ContextVar[bool] = ContextVar("debug", default=False)


def debug(on: bool) -> None:
    """Let unforeseen errors show their traceback; the log keeps it in any case."""
    _DEBUG.set(on)
    keep_log(terminal=on, tell=complain)


def debugging() -> bool:
    """Whether ``lungmtl --debug`` was given."""
    return _DEBUG.get()


def any_letter_is_printed() -> None:
    """Print a question mark for a letter (Ø, ≥) that the terminal's encoding lacks: it must not cost a finished work its files."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")


def explain(error: BaseException) -> str:
    """An error as one line: its message, or for one that nobody foresaw also its kind and where to look."""
    message = " ".join(sentence(error).split())
    return message if foreseen(error) else f"{message} ({HINT})"


def complain(what: str) -> None:
    """One line on standard error."""
    typer.echo(f"lungmtl: {' '.join(what.split())}", err=True)


def passes(error: BaseException) -> bool:
    """Whether an error is none to explain: somebody stops the command, or it wants its traceback shown."""
    if isinstance(error, (*STOPS, typer.Exit, typer.Abort)):
        return True
    # A reader of the output that has seen enough (`| head`): typer ends without a word, as other commands do.
    if isinstance(error, BrokenPipeError):
        return True
    return debugging() and not isinstance(error, LungmtlError)


@contextmanager
def explained() -> Generator[None]:
    """Turn an error into one line on standard error and exit status 1; the log keeps its traceback."""
    try:
        yield
    except BaseException as error:  # codecs in Rust panic with errors that are no Exception
        if passes(error):
            raise
        if isinstance(
            error.__cause__, KeyboardInterrupt
        ):  # as Python 3.11 wraps one in the making of a class
            raise error.__cause__ from None
        log_error(error, "lungmtl")
        complain(explain(error))
        raise typer.Exit(1) from error


def output_file(context: typer.Context, path: Path | None) -> Path | None:
    """Refuse what cannot become a file before the work begins, not after it, and make its folder: for options that name one.

    A folder that the command leaves empty, mistyped or stopped before it wrote anything, goes again.
    """
    if path is not None:
        with explained():
            require_regular(path, Failed)
            if path.is_dir():
                raise Failed(f"{path} is a folder: name a file")
            if address_of(path) is None:
                # The outermost command ends last, also where an option behind this one is wrong.
                context.find_root().call_on_close(partial(remove_empty, not_there_yet(path.parent)))
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with tempfile.TemporaryFile(
                        dir=path.parent
                    ):  # permissions do not tell of read-only disks
                        return path
                except OSError as error:
                    raise Failed(
                        f"{path.parent} cannot be made or written to ({error.strerror}): name another file"
                    ) from error
    return path


def not_there_yet(folder: Path) -> list[Path]:
    """List the folders that have to be made for one, the innermost first."""
    return [each for each in (folder, *folder.parents) if not each.exists()]


def remove_empty(folders: Sequence[Path]) -> None:
    """Remove folders, the innermost first, as far as nothing lies in them."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


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
        text = json.dumps(values, indent=1, ensure_ascii=False)
        # Names of files that are no UTF-8 have letters that it does not know; in JSON they have their escapes.
        write_atomically(path, text.encode("utf-8", "backslashreplace") + b"\n")


class Engine(StrEnum):
    """What networks run with."""

    torch = "torch"
    openvino = "openvino"
    bfloat16 = "bfloat16"


def device_on(engine: Engine, device: str) -> str:
    """The device that stands for an engine, after a look whether it is there.

    Raises
    ------
    Failed
        Another engine than PyTorch in float32 is asked for on a GPU.
    MissingExtraError
        OpenVINO is not installed.
    """
    from ..inference.device import choose_device

    if engine is Engine.torch:
        return device
    if device not in ("auto", "cpu"):
        raise Failed(f"--engine {engine} runs on the CPU: leave --device out, or leave --engine out")
    return choose_device(engine)
