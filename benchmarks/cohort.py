"""What a cohort costs: 1,018 real nodules read, laid out by t-SNE, one cube opened, and the map drawn.

    LUNGMTL_DATA=../shared/data xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/cohort.py

The peer is scikit-learn's t-SNE in one go, which can be neither watched nor cancelled. On a busy machine read the CPU column.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_lungmtl.training.cohort import Cohort, embed, load_cohort, read_nodule


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The result, and wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - processor


def finish(cohort: Cohort) -> tuple[np.ndarray, float]:
    """The map, and the longest time between two points at which it can be cancelled."""
    steps, longest = embed(cohort, "readers"), 0.0
    while True:
        began = time.perf_counter()
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value, longest
        longest = max(longest, time.perf_counter() - began)


def draw(positions: np.ndarray, cohort: Cohort) -> Callable[[], Any]:
    """Paints the map once."""
    from napari_lungmtl.panel.cohort.colors import colorings
    from napari_lungmtl.panel.cohort.scatter import ScatterPlot

    plot = ScatterPlot()
    plot.resize(350, 320)
    plot.set_positions(positions)
    plot.set_colors(colorings(cohort)[0].colors(cohort))
    plot.grab()
    return plot.grab


def main() -> None:
    """Print the table."""
    if "LUNGMTL_DATA" not in os.environ:
        sys.exit("set LUNGMTL_DATA to the folder of real data")
    from qtpy.QtWidgets import QApplication
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    app = QApplication([])
    folder = Path(os.environ["LUNGMTL_DATA"]) / "luna16_nodules"
    rows = []
    cohort, *spent = timed(lambda: load_cohort(folder))
    rows.append((f"read the table of {len(cohort)} nodules", *spent))
    (positions, longest), *spent = timed(lambda: finish(cohort))
    rows.append((f"t-SNE in steps (longest {longest:.1f} s)", *spent))
    scaled = StandardScaler().fit_transform(cohort.attributes("readers"))
    _, *spent = timed(lambda: TSNE(random_state=0).fit_transform(scaled))
    rows.append(("peer: t-SNE of scikit-learn in one go", *spent))
    _, *spent = timed(lambda: read_nodule(cohort, 75))
    rows.append(("open a cube, the first", *spent))
    _, *spent = timed(lambda: read_nodule(cohort, 141))
    rows.append(("open a cube, any other", *spent))
    _, *spent = timed(draw(positions, cohort))
    rows.append(("draw the map", *spent))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    print(f"{'':44}{'wall s':>9}{'CPU s':>9}")
    for name, wall, processor in rows:
        print(f"{name:44}{wall:9.3f}{processor:9.3f}")
    app.quit()


if __name__ == "__main__":
    main()
