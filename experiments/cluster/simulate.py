"""Very many studies with nothing to do: what the client and the scheduler can carry, and how much memory they take.

Run: ``python experiments/cluster/simulate.py --tasks 20000`` (``--findings 10 --seconds 0 --slices 300``). Studies are made up,
a worker returns an outcome with findings as a real one does, and the client writes the index. Scheduler and client are one
process; its CPU time and memory are printed as it goes, and memory must not grow with the number beyond what the index remembers
of each study.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from napari_lungmtl.training.cluster.connect import local_workers
from napari_lungmtl.training.cluster.index import open_index, rows
from napari_lungmtl.training.cluster.rows import COLUMNS, TEXT
from napari_lungmtl.training.cluster.run import ClusterRun
from napari_lungmtl.training.cluster.task import DONE, Options, Outcome, Study
from napari_lungmtl.training.cluster.writer import IndexWriter
from napari_lungmtl.training.imaging.series import Series


def studies(count: int, slices: int) -> Iterator[Study]:
    """Make up series of so many files."""
    for number in range(count):
        folder = Path(f"/archive/patient{number:07}/study/series")
        files = tuple(folder / f"slice{n:04}.dcm" for n in range(slices))
        yield Study.of(
            Series(
                f"1.2.3.{number}",
                "",
                "CT",
                slices,
                (1.0, 1.0, 1.0),
                (slices, 512, 512),
                files=files,
                path=folder,
            )
        )


def pretend(study: Study, options: Options) -> Outcome:
    """Return what a worker returns, after the seconds and with the findings that the device's name says."""
    seconds, count = options.device.split()
    time.sleep(float(seconds))
    uid = study.series.uid
    number = int(uid.rpartition(".")[2])
    found = [
        tuple(
            uid if name in TEXT else (number * 7919 + n) % 9973 / 9973 if name == "probability" else 0.5
            for name in COLUMNS
        )
        for n in range(int(count))
    ]
    return Outcome(
        study.label, DONE, key=uid, file=f"{uid}.json", row={"findings": int(count)}, findings=found
    )


def memory_mb() -> float:
    """Memory of this process."""
    import psutil

    return psutil.Process().memory_info().rss / 1e6


def main() -> None:
    """Print rate and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--findings", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--slices", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, local_workers(given.workers) as client:
        out = Path(name)
        writer = IndexWriter(out, "simulated")
        done, began, used = 0, time.perf_counter(), time.process_time()

        def take(outcome: Outcome) -> None:
            nonlocal done
            writer.add(outcome)
            done += 1
            if done % min(max(given.tasks // 10, 1), 5000) == 0:
                rate = done / (time.perf_counter() - began)
                cpu = (time.process_time() - used) / done * 1000
                held = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
                print(
                    f"{done:8d} studies, {rate:7.1f}/s, {cpu:.1f} CPU ms a study, {memory_mb():7.1f} MB, {held} tasks held",
                    flush=True,
                )

        print(f"       0 studies,            {memory_mb():7.1f} MB", flush=True)
        ClusterRun(
            client, Options(out, (), device=f"{given.seconds} {given.findings}"), take, pretend
        ).predict(studies(given.tasks, given.slices))
        writer.flush()
        start, before = time.perf_counter(), memory_mb()
        index = open_index(out)
        best = rows(index.findings, by="probability", most=1000)
        print(
            f"index of {index.findings.count_rows()} findings: the best {best.num_rows} in "
            f"{time.perf_counter() - start:.2f} s, {memory_mb() - before:+.0f} MB"
        )


if __name__ == "__main__":
    main()
