"""FROC of a real submission: 888 scans, 1,186 nodules, 55,677 marks, 35,192 excluded findings.

Usage: LUNGMTL_DATA=../shared/data python benchmarks/froc.py
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from napari_lungmtl.training.findings.formats import luna16
from napari_lungmtl.training.metrics.froc.luna16 import evaluate


def timed(work: Callable[[], Any], times: int = 3) -> tuple[Any, float, float]:
    """The result, and the best wall and processor seconds of a few runs."""
    walls, processors = [], []
    for _ in range(times):
        wall, processor = time.perf_counter(), time.process_time()
        result = work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return result, min(walls), min(processors)


def main() -> None:
    """Print the table."""
    if "LUNGMTL_DATA" not in os.environ:
        sys.exit("set LUNGMTL_DATA to the folder of real data")
    folder = Path(os.environ["LUNGMTL_DATA"]) / "luna16"

    def read() -> tuple[Any, ...]:
        return (
            luna16.read_series(folder / "seriesuids.csv"),
            luna16.read_submission(folder / "dpn26bs32.csv.gz"),
            luna16.read_annotations(folder / "annotations.csv"),
            luna16.read_annotations(folder / "annotations_excluded.csv.gz"),
        )

    tables, *reading = timed(read)
    result, *matching = timed(lambda: evaluate(*tables))
    _, *drawing = timed(lambda: evaluate(*tables, bootstrap_samples=1000), 1)
    table = Table(title=f"LUNA16 FROC, CPM {result.cpm:.6f}", title_justify="left")
    for name in ("stage", "wall s", "processor s", "budget s"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    table.add_row("read the four files", *(f"{s:.2f}" for s in reading), "")
    table.add_row("evaluate 888 scans", *(f"{s:.2f}" for s in matching), "5")
    table.add_row("with 1,000 bootstrap samples", *(f"{s:.2f}" for s in drawing), "60")
    Console().print(table)


if __name__ == "__main__":
    main()
