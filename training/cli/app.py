"""``lungmtl``: the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from .archive.app import archive
from .candidates import candidates
from .common import any_letter_is_printed
from .common import debug as set_debug
from .evaluate import evaluate
from .export import export
from .froc import froc
from .import_ import import_
from .learning.next_ import next_
from .models import models
from .predict import predict
from .readers import readers
from .remote.serve import serve
from .report import report
from .simulate import simulate
from .summary.command import summary
from .train import train
from .view import demo, view

app = typer.Typer(
    name="lungmtl",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo,
    view,
    predict,
    serve,
    models,
    evaluate,
    train,
    candidates,
    report,
    summary,
    froc,
    readers,
    export,
):
    app.command()(command)
app.command("import")(import_)
app.command("next")(next_)
app.add_typer(simulate)
app.add_typer(archive)


def _print_version(show: bool) -> None:
    if show:
        from importlib.metadata import version

        typer.echo(version("napari-lungmtl"))
        raise typer.Exit


@app.callback()
def lungmtl(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of unforeseen errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Lung nodules on chest CT and radiographs: detect, review in napari, evaluate, train. Research use only.

    Example: lungmtl predict ~/studies --out results
    """
    set_debug(debug)


def main() -> None:
    """Entry point of ``lungmtl``."""
    any_letter_is_printed()
    app()


if __name__ == "__main__":
    main()
