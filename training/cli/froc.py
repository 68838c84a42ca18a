"""``lungmtl froc``: LUNA16's evaluation of a submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import Failed, complain, explained, output_file, progress, show_table, write_json
from .report_folder import ReportFolder

if TYPE_CHECKING:
    from ..findings.formats.luna16 import Spots
    from ..metrics.froc.luna16 import FrocResult


def froc(
    truth: Annotated[Path, typer.Option(metavar="FILE", help="annotations.csv: the nodules to be found.")],
    series: Annotated[
        Path, typer.Option(metavar="FILE", help="seriesuids.csv: the scans that count, one on each line.")
    ],
    submission: Annotated[
        Path,
        typer.Option(
            metavar="FILE|DIR",
            help="Marks: seriesuid, coordX, coordY, coordZ, probability; or the results of 'lungmtl predict --workers'.",
        ),
    ],
    excluded: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="annotations_excluded.csv: marks on these count neither way."),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(metavar="N", min=0, help="Samples for 95 % intervals; the challenge takes 1000.")
    ] = 0,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", callback=output_file, help="Write the figures here too."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write report.html with figures, plots and the scans from the hardest on, and report.json, cases.csv and "
            "cases.parquet, which 'lungmtl view' opens as a list.",
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The scans, for the report's pictures and commands: found by series, or by the names of their files.",
        ),
    ] = None,
) -> None:
    """FROC and CPM of a submission, by the rules of the LUNA16 challenge.

    All csv files may be gzipped. Positions are in LPS mm. A findings.csv of 'lungmtl predict' is a submission. Of results
    with an index the last result of each series counts; series that failed or are missing there are named, left out of the
    figures, and the exit status is 1.

    Example: lungmtl froc --truth annotations.csv --excluded annotations_excluded.csv.gz --series seriesuids.csv
    --submission marks.csv --bootstrap 1000 --json froc.json --report froc
    """
    with explained():
        from ..findings.formats.luna16 import read_annotations, read_nodules, read_series
        from ..metrics.froc.luna16 import evaluate

        if images is not None and report is None:
            raise Failed("--images belong to a report: name its folder with --report")
        pages = None if report is None else ReportFolder(report)
        with progress("reading") as on_progress:
            scans, nodules = read_series(series), read_nodules(truth)
            on_progress(0.3, "")
            others = read_annotations(excluded) if excluded else {}
            on_progress(0.6, "")
            marks, missing = _marks(submission, scans)
            scans = [uid for uid in scans if uid not in missing]
            _require_match(scans, series, nodules, truth, marks, submission)
            on_progress(0.9, "matching and drawing samples" if bootstrap else "matching")
            result = evaluate(scans, marks, nodules, others, bootstrap_samples=bootstrap)
        for warning in result.warnings:
            complain(f"warning: {warning}")
        for uid, why in missing.items():
            complain(f"WARNING: {uid} is left out: {why}")
        _show(result)
        write_json(result.to_json(), json_file)
        if pages is not None:
            from ..evaluation.submission import series_by_name, submission_report

            at_hand = {} if images is None else series_by_name(images, scans)
            if images is not None and not at_hand:
                complain(f"warning: {images} has none of the {len(scans)} series: no picture, no command")
            rows = submission_report(
                result, scans, marks, nodules, others, submission=submission, truth=truth, images=at_hand
            )
            with progress("pictures") as on_progress:
                pages.draw(rows, at_hand, on_progress)
            pages.write({**rows, "table": _table(result)})
        if missing:
            raise typer.Exit(1)


def _marks(submission: Path, scans: Sequence[str]) -> tuple[Mapping[str, Spots], Mapping[str, str]]:
    """Marks by series, and which series have no result in an index and why."""
    from ..cluster.reuse.found import indexed_results
    from ..findings.formats.luna16 import read_submission
    from ..storage.address import shown

    results = indexed_results(submission)
    if results is None:
        return read_submission(submission), {}
    marks, missing, networks = results.marks(scans)
    if len(networks) > 1:
        complain(
            f"warning: the marks come from several networks or weights, whose scores differ: {', '.join(sorted(networks))}"
        )
    if not marks:
        raise Failed(
            f"{shown(submission)} has no result of the {len(scans)} series: {next(iter(missing.values()))}"
        )
    return marks, missing


def _require_match(
    scans: Sequence[str],
    series: Path,
    nodules: Mapping[str, object],
    truth: Path,
    marks: Mapping[str, object],
    submission: Path,
) -> None:
    """Refuse files that have nothing to do with each other: their figures would be none, or 0."""
    if not nodules:
        raise Failed(f"{truth} lists no nodule: a sensitivity needs one")
    for table, path in ((nodules, truth), (marks, submission)):
        if table and not set(scans) & set(table):
            raise Failed(
                f"none of the {len(scans)} series of {series} is in {path} (the first are {scans[0]!r} and "
                f"{next(iter(table))!r}): all files must use the same identifiers"
            )
    if not marks:
        complain(f"warning: {submission} has no mark: nothing is found")


def _table(result: FrocResult) -> list[list[str]]:
    interval = result.bootstrap
    rows = [["FP per scan", *(f"{rate:g}" for rate in result.rates), "CPM"]]
    rows.append(["sensitivity", *(f"{s:.4f}" for s in result.sensitivity_at), f"{result.cpm:.4f}"])
    if interval:
        rows.append(["95 % from", *(f"{s:.4f}" for s in interval.lower), f"{interval.cpm_lower:.4f}"])
        rows.append(["95 % to", *(f"{s:.4f}" for s in interval.upper), f"{interval.cpm_upper:.4f}"])
    return rows


def _show(result: FrocResult) -> None:
    rows = _table(result)
    show_table(f"{result.scans} scans, {result.nodules} nodules", rows[0], rows[1:])
    typer.echo(
        f"{result.true_positives} found, {result.false_negatives} missed, {result.false_positives} false positives; "
        f"ignored: {result.ignored_excluded} marks on excluded findings, "
        f"{result.ignored_duplicates} further marks on found nodules"
    )
