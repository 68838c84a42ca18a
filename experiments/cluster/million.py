"""An index of a million findings: how long it takes to open, filter and sort it, and how much memory.

Run: ``python experiments/cluster/million.py`` (``--findings 1000000 --files 500``). The files are those of ``lungmtl predict
--workers``, their values made up.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from napari_lungmtl.training.cluster.columns import DAY, FINDINGS, STUDIES, folder_of, schema_of
from napari_lungmtl.training.cluster.index import open_index, rows


def make(out: Path, findings: int, files: int) -> None:
    """Write the files of findings, in folders of ten days, and one study."""
    rng = np.random.default_rng(3)
    schema = schema_of(FINDINGS)
    for number in range(files):
        count = findings // files
        text = pa.array([f"1.2.840.{number}.{n // 10:04}" for n in range(count)])
        columns = [text if f.type == pa.string() else pa.array(rng.random(count)) for f in schema]
        folder = folder_of(out, FINDINGS) / f"{DAY}=2026-11-{number % 10 + 10}"
        folder.mkdir(parents=True, exist_ok=True)
        pq.write_table(
            pa.Table.from_arrays(columns, schema=schema),
            folder / f"part-{number}.parquet",
            compression="zstd",
        )
    folder_of(out, STUDIES).mkdir(parents=True)


def main() -> None:
    """Print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=1_000_000)
    parser.add_argument("--files", type=int, default=500)
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


if __name__ == "__main__":
    main()
