"""``lungmtl view`` and ``lungmtl demo``: the window. The plugin is loaded here, by name, and only on demand."""

from __future__ import annotations

from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer

from .common import Failed, explained, output_file


def _window() -> Any:
    """The plugin's `view` module.

    By name, because the headless half must not depend on the plugin: it is installed on clusters without a screen.
    """
    try:
        return import_module("napari_lungmtl.app")
    except ImportError as error:
        raise Failed(
            f"the window needs napari and a Qt binding ({error}): pip install 'napari-lungmtl[all]'"
        ) from error


def _place(text: str) -> tuple[float, ...]:
    """Two or three numbers, by commas."""
    try:
        place = tuple(float(part) for part in text.split(","))
    except ValueError:
        place = ()
    if len(place) not in (2, 3) or not all(map(isfinite, place)):
        raise Failed(f"--at is {text!r}: write x,y,z in mm, or x,y in pixels of a radiograph, by commas")
    return place


def view(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Image files, or folders with DICOM files; or lists of cases: report.json, cases.csv or cases.parquet of an "
            "evaluation, or one saved in the window.",
        ),
    ] = None,
    run: Annotated[bool, typer.Option("--run", help="Detect and characterise nodules at once.")] = False,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Show what is true, and what became of the findings: LIDC's XML, a DICOM SEG or SR, a label volume, "
            "*.lungmtl.json, LUNA16's annotations.csv, DL_info.csv, NODE21's metadata.csv, BBox_List_2017.csv, CLNDAT_EN.txt, "
            "a json of COCO or of ChestX-Det10.",
        ),
    ] = None,
    screenshot: Annotated[
        Path | None,
        typer.Option(metavar="PNG", callback=output_file, help="Save the window as PNG and close it."),
    ] = None,
    findings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Show what was found: *.lungmtl.json, or the report.json of an evaluation, which brings its truth too.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,Z",
            help="Look there: LPS mm as in coordX,coordY,coordZ; of a radiograph X,Y in pixels. With a minus: --at=-50,60,-80.",
        ),
    ] = None,
    series: Annotated[
        str | None, typer.Option(metavar="UID", help="Which series, where a folder has several.")
    ] = None,
    cohort: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Map many nodules: results of 'lungmtl predict', or nodule cubes."),
    ] = None,
    cases: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="List all scans and radiographs of a folder; may be repeated."),
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Predictions for the cubes (oof.csv of 'lungmtl train')."),
    ] = None,
) -> None:
    """Open studies in napari, with the dock 'Lung nodules'.

    Example: lungmtl view ~/studies/LIDC-IDRI-0003 --run

    Example: lungmtl view report/report.json
    """
    with explained():
        if not paths and cohort is None and not cases:
            raise Failed("nothing to open: name an image, or a folder with --cases or --cohort")
        if predictions is not None and cohort is None:
            raise Failed("--predictions belong to a cohort: name its folder with --cohort")
        place = None if at is None else _place(at)
        window = _window()
        try:
            window.open_window(
                paths or [],
                findings=findings,
                at=place,
                run=run,
                truth=truth,
                screenshot=screenshot,
                series=series,
                cohort=cohort,
                predictions=predictions,
                cases=cases or (),
            )
        except window.ViewError as error:
            raise Failed(str(error)) from error
        if screenshot is not None:
            typer.echo(str(screenshot))


def demo(
    screenshot: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Save screenshots into this folder and close the window."),
    ] = None,
) -> None:
    """Open the sample CT, run the networks and show what they find.

    Example: lungmtl demo --screenshot demo
    """
    with explained():
        window = _window()
        try:
            saved = window.demo(screenshot)
        except window.ViewError as error:
            raise Failed(str(error)) from error
        for path in saved:
            typer.echo(str(path))
