"""``lungmtl report``: baselines, ablations and attributes from out-of-fold predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import Failed, explained, progress, show_table


def report(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder with cubes.npz, nodules.csv and folds.csv.")
    ],
    runs: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of trained variants: <network>/<variant>/oof.csv.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets report.md, report.json and the plots.")],
) -> None:
    """How good the characterisers are, beside baselines, ablations, readers and papers.

    Reads what 'lungmtl train mtmr' and 'lungmtl train mtcnn' wrote; variants that are not there are listed as missing.

    Example: lungmtl report --data luna16_nodules --runs runs --out report
    """
    with explained():
        if not runs.is_dir():
            raise Failed(f"{runs} is no folder: check --runs")
        try:
            import matplotlib  # noqa: F401
        except ModuleNotFoundError as error:
            raise Failed("the report needs matplotlib: pip install 'napari-lungmtl[train]'") from error
        from ..report.build import write_report
        from ..report.runs import holds_runs
        from ..report.tables import malignancy_table, target_table

        if not holds_runs(runs):
            raise Failed(
                f"{runs} holds no trained variant (<network>/<variant>/oof.csv): name the folder above those that were "
                "'lungmtl train --out'"
            )
        with progress("report") as bar:
            result = write_report(data, runs, out, on_progress=bar)
        for rule in ("mean", "median"):
            table = malignancy_table(result["malignancy"], rule)
            plain = [[cell.strip("*") for cell in row] for row in table[1:]]
            show_table(f"Malignancy by the readers' {rule}", table[0], plain)
        table = target_table(result["targets"])
        show_table("Targets", table[0], table[1:])
        if result["missing"]:
            typer.echo(f"missing runs: {', '.join(result['missing'])}")
        typer.echo(str(out / "report.md"))
