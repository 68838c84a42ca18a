"""``lungmtl next``: which study to review next."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..common import complain, explained, output_file, progress, show_table, write_json


def next_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Studies, reviewed and not.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV", callback=output_file, help="Write a list of cases that the window opens and sorts."
        ),
    ] = None,
    most: Annotated[int, typer.Option(metavar="N", help="Lines of the table, at most.", min=1)] = 20,
    device: Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu or cuda:N.")] = "auto",
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", callback=output_file, help="Write the order here too."),
    ] = None,
) -> None:
    """Order the studies that nobody has reviewed: first where networks disagree with each other, or with themselves mirrored.

    Example: lungmtl next ~/studies --out next.csv
    """
    with explained():
        from ...case_list.tables import write_csv_list
        from ...learning.next_study import ask, listed
        from ..train import followed

        with progress("looking") as on_progress:
            questions, passed_over = followed(ask(folder, device), on_progress)
        for sentence in passed_over:
            complain(sentence)
        rows = [
            [q.case.name, f"{q.disagreement:.2f}", f"{q.total:.2f}", " | ".join(q.voices), _place(q.case.at)]
            for q in questions[:most]
        ]
        title = f"{len(questions)} stud{'y' if len(questions) == 1 else 'ies'} to review"
        show_table(title, ["study", "disagreement", "sum", "between", "at"], rows)
        if out is not None:
            write_csv_list(listed(questions), out)
        write_json(
            [
                {
                    **q.case.to_json(),
                    "between": list(q.voices),
                    "sum": q.total,
                    "disagreement": q.disagreement,
                }
                for q in questions
            ],
            json_file,
        )
        if passed_over:
            raise typer.Exit(1)


def _place(at: tuple[float, ...] | None) -> str:
    return "" if at is None else ", ".join(f"{v:.0f}" for v in at)
