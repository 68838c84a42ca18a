"""What the client and a restart cost for each study: reading headers, and hashing files, in CPU seconds.

Run: ``python experiments/cluster/client.py`` (``--path STUDY``, a folder of DICOM; the sample CT by default).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from napari_lungmtl.training.cluster.content import content_hash
from napari_lungmtl.training.cluster.find import Finder
from napari_lungmtl.training.cluster.task import Study

SAMPLE = Path(__file__).resolve().parents[2] / "sample_data" / "ct"
REPEATS = 5


def main() -> None:
    """Print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--path", type=Path, default=SAMPLE)
    path = parser.parse_args().path
    finder = Finder([path], {"CT"}, Path("/nowhere"))
    list(finder)  # imports, and files into the system's cache
    start = time.process_time()
    for _ in range(REPEATS):
        (study,) = (one for one in finder if isinstance(one, Study))
    headers = (time.process_time() - start) / REPEATS
    series = study.with_files()
    size = sum(file.stat().st_size for file in series.files) / 1e6
    start = time.process_time()
    for _ in range(REPEATS):
        content_hash(series)
    hashed = (time.process_time() - start) / REPEATS
    print(
        f"{len(series.files)} files, {size:.1f} MB: headers {headers:.3f} CPU s "
        f"({headers / len(series.files) * 1e3:.2f} ms a file), "
        f"hash {hashed:.3f} CPU s ({size / hashed:.0f} MB/s); a task of {len(study.files)} bytes of names"
    )


if __name__ == "__main__":
    main()
