"""``lungmtl evaluate``: a network's figures on a folder of data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import Failed, complain, explained, output_file, progress, show_table, write_json
from .report_folder import ReportFolder

if TYPE_CHECKING:
    from ..cluster.reuse.found import IndexedResults


def evaluate(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="The model, as 'lungmtl models' lists them; fusion for the chain of characterisers.",
        ),
    ],
    data: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder in the layout of the network's dataset; of radiographs NODE21's, a simulated test set, JSRT, NIH "
            "or lung_masks_100.",
        ),
    ],
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Other weights (.safetensors, card beside them).")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="LUNA16's annotations.csv instead of the folder's own."),
    ] = None,
    excluded: Annotated[
        Path | None, typer.Option(metavar="FILE", help="LUNA16's annotations_excluded.csv.")
    ] = None,
    folds: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Folds of folds.csv, such as '0' or '0,1', or 'all'; default: for a detector those never trained on, for "
            "characterisers all. Of radiographs 'held-out' or 'train': the patients that training leaves out, or the "
            "others; or folds, where the set has its own.",
        ),
    ] = None,
    findings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="For a characteriser a detector's findings.csv: look at nodules where it found them, not at the given places. "
            "For a detector the results of 'lungmtl predict --workers': evaluate what it found there instead of running it.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu or cuda:N.")] = "auto",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", callback=output_file, help="Write the figures here too."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write report.html with figures, plots and the cases from the hardest on, and report.json, cases.csv and "
            "cases.parquet, which 'lungmtl view' opens as a list.",
        ),
    ] = None,
) -> None:
    """How good a network is on data with truth.

    Radiograph networks (dhn, mosegnet) are evaluated by image (ROC and PR), by box (FROC, AFROC, mAP, NODE21's score)
    and by lesion, with 95 % intervals; mosegnet also by lung masks where there are any. --json then holds a row for
    each image too. An image that cannot be evaluated, or that results given with --findings lack, is named in a warning,
    the others go on, and the exit status is 1.

    Example: lungmtl evaluate ag3d --data luna16_nodules --json ag3d.json

    Example: lungmtl evaluate dhn --data ~/NODE21 --json dhn.json --report dhn
    """
    with explained():
        from ..evaluation.evaluate import evaluate_network

        results = None if findings is None else _results(findings)
        pages = None if report is None else ReportFolder(report)
        chosen = [fold.strip() for fold in folds.split(",") if fold.strip()] if folds else None
        with progress(network) as on_progress:
            figures = evaluate_network(
                network,
                data,
                weights=weights,
                truth=truth,
                excluded=excluded,
                folds=chosen,
                findings=findings if results is None else None,
                results=results,
                device=device,
                on_progress=on_progress,
                **({} if pages is None else {"on_case": pages.add}),
            )
        table = figures.get("table", [])
        if table:
            cases = f"{figures['cases']} cases of {figures['data']}, weights {figures['weights']}"
            show_table(cases, table[0], table[1:])
        for warning in figures.get("warnings", ()):
            complain(f"WARNING: {warning}")
        write_json({key: value for key, value in figures.items() if key != "table"}, json_file)
        if pages is not None:
            pages.write(figures)
        if figures.get("failed"):
            raise typer.Exit(1)


def _results(path: Path) -> IndexedResults | None:
    """Results with an index; None for a table of findings."""
    from ..cluster.reuse.found import indexed_results

    results = indexed_results(path)
    if results is None and path.is_dir():
        raise Failed(
            f"{path} has no index of 'lungmtl predict --workers': name the folder that it was given with --out"
        )
    return results
