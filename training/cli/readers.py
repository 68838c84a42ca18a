"""``lungmtl readers``: the figures of a reader study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import Failed, complain, explained, output_file, show_table, write_json

if TYPE_CHECKING:
    from ..metrics.mrmc.obuchowski_rockette import Analysis, Estimate
    from ..reader_study.analysis import Compared, StudyResult

COVARIANCES = ("jackknife", "delong")


def readers(
    logs: Annotated[
        list[Path],
        typer.Argument(
            metavar="LOG...",
            help="Logs of the section 'reader study' (*.readings.jsonl), or folders of them.",
        ),
    ],
    truth: Annotated[
        Path,
        typer.Option(
            metavar="FILE|DIR", help="The truth: a table of all cases, or a folder of *.lungmtl.json."
        ),
    ],
    covariance: Annotated[
        str, typer.Option(metavar="|".join(COVARIANCES), help="How covariances of AUCs are estimated.")
    ] = "jackknife",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", callback=output_file, help="Write the figures here too."),
    ] = None,
) -> None:
    """Analyse a reader study: sensitivity, false marks, time, changes of mind, agreement, and MRMC (Obuchowski–Rockette).

    Example: lungmtl readers study/ --truth annotations.csv --json study.json
    """
    with explained():
        from ..reader_study.analysis import analyse_study
        from ..reader_study.log import read_log

        if covariance not in COVARIANCES:
            raise Failed(f"--covariance {covariance} is unknown: choose {' or '.join(COVARIANCES)}")
        result = analyse_study([read_log(path) for path in _files(logs)], truth, covariance)
        for problem in result.problems:
            complain(f"warning: {problem}")
        show(result)
        write_json(result.to_json(), json_file)


def _files(paths: list[Path]) -> list[Path]:
    from ..reader_study.log import SUFFIX

    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
        if not inside:
            raise Failed(
                f"{path} holds no log of a reader study (*{SUFFIX}): name the folder that the study was logged in"
            )
        found += inside
    return found


def show(result: StudyResult) -> None:
    """Print all tables."""
    rows = [
        [row.reader, str(row.condition), str(row.cases), f"{row.found}/{row.nodules}", str(row.sensitivity)]
        + [str(row.false_marks), _time(row.seconds)]
        for row in result.rows
    ]
    head = ["reader", "condition", "cases", "found", "sensitivity", "false marks per case", "time"]
    show_table("Readers (95 % by bootstrap over cases; time: median)", head, rows, left=2)
    if result.changes:
        head = [
            "reader",
            "cases",
            "changed",
            "nodules + −",
            "false + −",
            "suggestions",
            "accepted",
            "rejected",
        ]
        rows = [
            [c.reader, str(c.cases), str(c.changed_cases), f"+{c.nodules_gained} −{c.nodules_lost}"]
            + [
                f"+{c.false_marks_gained} −{c.false_marks_dropped}",
                str(c.suggestions),
                str(c.accepted),
                str(c.rejected),
            ]
            for c in result.changes
        ]
        show_table("Changes of mind after the reveal", head, rows)
    if result.agreements:
        head = ["readers", "condition", "cases", "kappa", "marks both, one, other", "Ø difference (limits)"]
        rows = [
            [f"{a.first}, {a.second}", str(a.condition), str(a.cases), _number(a.kappa)]
            + [f"{a.both}, {a.only_first}, {a.only_second}"]
            + [
                f"{a.diameters.bias:+.1f} ({a.diameters.lower:+.1f} to {a.diameters.upper:+.1f})"
                if a.both > 1
                else "–"
            ]
            for a in result.agreements
        ]
        show_table("Agreement", head, rows, left=2)
    for compared in result.compared:
        _show_mrmc(compared)


def _show_mrmc(compared: Compared) -> None:
    first, second = compared.conditions
    title = f"{compared.figure}, {second} − {first}: {_many(len(compared.readers), 'reader')}, {_many(compared.cases, 'case')}"
    if compared.result is None:
        typer.echo(f"{title}: not analysed. {compared.problem}")
        return
    kinds = (
        ("random readers and cases", compared.result.both),
        ("these readers, random cases", compared.result.cases),
        ("random readers, these cases", compared.result.readers),
    )
    head = ["holds for", str(first), str(second), "difference (95 %)", "F", "df", "p"]
    show_table(title, head, [_mrmc_row(name, a) for name, a in kinds if a is not None])


def _mrmc_row(name: str, analysis: Analysis) -> list[str]:
    test, difference = analysis.test, analysis.differences[0, 1]
    assert test is not None
    means = [f"{m.value:.3f} ({m.lower:.3f}–{m.upper:.3f})" for m in analysis.means]
    return [
        name,
        *means,
        _turned(difference),
        _number(test.f),
        f"{test.df1:g}, {test.df2:.1f}",
        _number(test.p, 4),
    ]


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _turned(d: Estimate) -> str:
    """Second less first."""
    return f"{-d.value:+z.3f} ({-d.upper:+z.3f} to {-d.lower:+z.3f})"  # zero has no minus


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}" if value == value else "–"


def _time(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
