"""The figures of one radiograph network over several folds, each radiograph judged by weights that have not seen it.

    python experiments/radiographs/out_of_fold.py --data jsrt --found runs/fold*/jsrt.json

The files are those of ``lungmtl evaluate --folds K --json`` with the weights that have not seen fold K. Beside the figures of
``lungmtl evaluate`` stands MO-SegNet's own counting: recall, precision and F1 on the radiographs with nodules alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.data.public.open_radiographs import open_radiograph_cases
from napari_lungmtl.training.evaluation.radiograph_predictions import read_predictions
from napari_lungmtl.training.metrics.radiograph.figures import radiograph_figures, radiograph_table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--found", type=Path, nargs="+", required=True, help="of lungmtl evaluate --json")
    parser.add_argument("--threshold", type=float, default=0.5)
    args = parser.parse_args()
    cases = [case for folder in args.data for case in open_radiograph_cases(folder)]
    results = read_predictions(args.found, cases)
    metrics = radiograph_figures(results, args.threshold, lungs=False)
    heading, *rows = radiograph_table(metrics)
    own = metrics["positive_radiographs"]
    rows += [[f"{name}, radiographs with nodules", f"{value:.3f}", "", ""] for name, value in own.items()]
    if any(r.lung_dice for r in results):
        dice = [r.lung_dice["lungs"] for r in results if r.lung_dice]
        rows.append(["lungs, Dice median", f"{median(dice):.4f}", "", f"{len(dice)} images"])
    table = Table(title=f"{len(results)} radiographs out of fold")
    for name in heading:
        table.add_column(name)
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
