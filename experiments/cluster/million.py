"""An index of a million findings: how long it takes to open, filter and sort it, and how much memory.

Run: ``python experiments/cluster/million.py`` (``--findings 1000000 --files 500``). The files are those of ``lungmtl predict
--workers``, their values made up, with ten findings a study. What `lungmtl evaluate`, `lungmtl froc` and the cohort map read of
it is timed too. With ``--window`` (under ``xvfb-run -a`` where there is no display) it is opened, filtered and sorted in the
window, from the click to the list.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from qtpy.QtWidgets import QApplication

from napari_lungmtl.training.cluster.columns import DAY, FINDINGS, STUDIES, folder_of, schema_of
from napari_lungmtl.training.cluster.index import open_index, rows
from napari_lungmtl.training.cluster.reuse.cohort import finding_alike, loading_index
from napari_lungmtl.training.cluster.reuse.found import IndexedResults
from napari_lungmtl.training.cluster.task import DONE
from napari_lungmtl.training.inference.predictor import finish


def make(out: Path, findings: int, files: int) -> None:
    """Write the files of findings, in folders of ten days, and one study."""
    rng = np.random.default_rng(3)
    for number in range(files):
        count = findings // files
        uids = [f"1.2.840.{number}.{n // 10:04}" for n in range(count)]
        values = {f.name: uids if f.type == pa.string() else rng.random(count) for f in schema_of(FINDINGS)}
        write(out, FINDINGS, number, {**values, "id": [f"{n}" for n in range(count)]})
        own = uids[::10]
        path = [f"/archive/{number:03}/{uid}" for uid in own]
        given = {
            "key": own,
            "series_uid": own,
            "path": path,
            "status": [DONE] * len(own),
            "file": [f"results/{uid}.json" for uid in own],
            "findings": [10] * len(own),
        }
        write(out, STUDIES, number, given)


def write(out: Path, table: str, number: int, values: Mapping[str, Any]) -> None:
    """Write a file of a table, in a folder of one of ten days."""
    schema = schema_of(table)
    rows = len(next(iter(values.values())))
    columns = [pa.array(values.get(f.name, [None] * rows), f.type) for f in schema]
    folder = folder_of(out, table) / f"{DAY}=2026-11-{number % 10 + 10}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{number}.parquet"
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path, compression="zstd")


def in_window(results: Path) -> None:
    """Open the index in the window, filter it and sort it; print seconds until the list shows it, and memory."""
    import napari

    from napari_lungmtl.panel.dock import LungNodulesDock

    process, viewer = psutil.Process(), napari.Viewer()
    dock = LungNodulesDock(viewer)
    viewer.window.add_dock_widget(dock)
    cases, many = dock.cases, dock.cases.many

    def timed(what: str, act: Callable[[], object], listed: Callable[[], bool]) -> None:
        for _ in range(20):  # what the last step left to be drawn
            QApplication.processEvents()
        before, start, used = process.memory_info().rss / 1e6, time.perf_counter(), time.process_time()
        act()
        while not listed() or many._rest.isActive() or cases.search.running:
            QApplication.processEvents()
        print(
            f"window, {what}: {len(cases.model.rows)} studies in {time.perf_counter() - start:.2f} s "
            f"({time.process_time() - used:.2f} CPU s), {process.memory_info().rss / 1e6 - before:+.0f} MB; {many.count.text()}",
            flush=True,
        )

    timed("opened", lambda: cases.load([results]), lambda: bool(cases.model.rows))
    timed("malignancy ≥ 0.8", lambda: many.least["malignancy"].setValue(0.8), lambda: True)
    timed("sorted by diameter", lambda: many.order.setCurrentIndex(2), lambda: True)
    timed("words /archive/007/", lambda: cases.filter.words.setText("/archive/007/"), lambda: True)


def read_parts(results: Path) -> None:
    """Read what an evaluation of 888 scans needs, a map, and the look-alikes of a nodule; print seconds and memory."""
    process, indexed = psutil.Process(), IndexedResults(results)
    uids = [f"1.2.840.{n % 500}.{n // 500:04}" for n in range(888)]
    asked = [(Path("/archive") / uid, (uid,)) for uid in uids]

    def timed(what: str, act: Callable[[], Any]) -> Any:
        before, start, used = process.memory_info().rss / 1e6, time.perf_counter(), time.process_time()
        done = act()
        print(
            f"{what}: {time.perf_counter() - start:.2f} s ({time.process_time() - used:.2f} CPU s), "
            f"{process.memory_info().rss / 1e6 - before:+.0f} MB",
            flush=True,
        )
        return done

    files = timed("files of findings of 888 studies", lambda: indexed.files(asked))
    assert not [file for file in files.values() if isinstance(file, str)], "a study was not found"
    marks, missing, _ = timed("marks of 888 series", lambda: indexed.marks(uids))
    assert not missing
    assert sum(len(spots.value) for spots in marks.values()) == 8880
    cohort = timed("nodules for a map", lambda: finish(loading_index(results)))
    nodule = cohort.nodules[0]
    timed("look-alikes of one", lambda: finish(finding_alike(cohort, nodule.finding, nodule.case)))
    print(f"{len(cohort)} nodules on the map. {cohort.problems[0]}")


def main() -> None:
    """Print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--window", action="store_true")
    given = parser.parse_args()
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), given.findings, given.files)
        before = process.memory_info().rss / 1e6
        for what, where in (
            ("all", None),
            ("malignancy > 0.8", ds.field("malignancy") > 0.8),
            ("one day", ds.field(DAY) == "2026-11-12"),
        ):
            start, used = time.perf_counter(), time.process_time()
            index = open_index(name)
            best = rows(index.findings, where=where, by="probability", most=1000)
            print(
                f"{what}: the best {best.num_rows} in {time.perf_counter() - start:.2f} s "
                f"({time.process_time() - used:.2f} CPU s), "
                f"{process.memory_info().rss / 1e6 - before:+.0f} MB",
                flush=True,
            )
        print(f"{index.findings.count_rows()} findings in {given.files} files")
        read_parts(Path(name))
        if given.window:
            in_window(Path(name))


if __name__ == "__main__":
    main()
