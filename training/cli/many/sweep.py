"""``lungmtl train --sweep``: many trainings, on processes of this machine or on a cluster."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from ..common import complain, show_table, write_json

if TYPE_CHECKING:
    from distributed import Client

    from ...cluster.sweep import Job, RunOutcome

SHOWN = 6
"""Figures in the terminal's table; ``sweep.csv`` has all."""


def train_many(
    sweep_file: Path, job: Job, workers: int | None, cluster: str | None, json_file: Path | None
) -> bool:
    """Train all runs of a sweep and print a table; gives whether all succeeded."""
    from ...cluster.connect import require_cluster
    from ...cluster.sweep import sweep
    from ...cluster.sweep_runs import sweep_runs
    from ...cluster.task import FAILED

    require_cluster()
    runs = sweep_runs(sweep_file)
    outcomes: list[RunOutcome] = []

    def take(outcome: RunOutcome) -> None:
        outcomes.append(outcome)
        why = f": {outcome.sentence}" if outcome.sentence else ""
        complain(f"{len(outcomes)} of {len(runs)}: {outcome.name} {outcome.status}{why}")

    threads = None if cluster else max((os.cpu_count() or 1) // (workers or 1), 1)
    with _client(workers, cluster) as client:
        sweep(client, runs, job, take, threads=threads)
    _show(outcomes, job.out, json_file)
    return not any(outcome.status == FAILED for outcome in outcomes)


def _client(workers: int | None, cluster: str | None) -> AbstractContextManager[Client]:
    from ...cluster.connect import local_workers, running_cluster

    return local_workers(workers or 1) if cluster is None else running_cluster(cluster, complain)


def _show(outcomes: list[RunOutcome], out: Path, json_file: Path | None) -> None:
    from ...cluster.sweep import table
    from ...findings.formats.tables import write_rows

    header, *rows = table(outcomes)
    write_rows(out / "sweep.csv", header, rows)
    show_table(str(out / "sweep.csv"), header[: 3 + SHOWN], [row[: 3 + SHOWN] for row in rows], left=2)
    runs = [dict(zip(header, row, strict=True)) for row in rows]
    write_json({"runs": runs, "table": str(out / "sweep.csv")}, json_file)
