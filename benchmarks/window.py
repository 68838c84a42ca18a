"""The times of the window, with everything on: start-up, reading, and what works behind it.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/window.py [start] [reading] [work] [--repeats N] [--cases N]
        [--only TEXT …]

Each part runs in a process of its own. ``wall`` and ``CPU`` are until the frame that shows a change, on whatever OpenGL there
is (software under Xvfb), ``CPU in all`` until nothing more happens. ``load`` is the machine's load average: on a busy machine
read the CPU columns. Of standstills ``own CPU`` is what the window's thread itself did; the rest is waiting for others.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

START = """
import time, os
began = time.perf_counter()
{hide}
import napari
from qtpy.QtWidgets import QApplication
viewer = napari.Viewer()
QApplication.processEvents()
viewer.screenshot(flash=False)
print(time.perf_counter() - began, time.process_time())
viewer.close()
"""
HIDE = """
import npe2
discover = npe2.PluginManager.discover
def without(self, *args, **kwargs):
    found = discover(self, *args, **kwargs)
    if 'napari-lungmtl' in self:
        self.unregister('napari-lungmtl')
    return found
npe2.PluginManager.discover = without
"""
CIRCLE = """
import sys, time
began = float(sys.argv[1])
import napari
import napari_lungmtl.app as app
run = napari.run
def watched():
    from qtpy.QtCore import QTimer
    from napari_lungmtl.reviewed_images import ReviewedImage
    dock = next(w for w in __import__('qtpy.QtWidgets', fromlist=['QApplication']).QApplication.allWidgets()
                if w.objectName() == 'LungNodulesDock')
    def look():
        if dock.reviewed is not None and dock.reviewed.rings.layer is not None and len(dock.reviewed.session.findings):
            dock.grab()
            print(time.time() - began, time.process_time(), flush=True)
            __import__('os')._exit(0)
    timer = QTimer(); timer.timeout.connect(look); timer.start(20)
    run()
napari.run = watched
from napari_lungmtl.contributions.samples import sample_ct
app.open_window([sys.argv[2] if len(sys.argv) > 2 else sample_ct()], run=True)
"""
"""What `lungmtl view CT --run` does, until the first finding has its ring."""
THIN_CT = Path(os.environ.get("LUNGMTL_DATA", "")) / "dicom" / "LIDC-IDRI-0003"
"""11 slices; the budget is for 16."""
PARTS = ("start", "reading", "work")


def start_up(with_plugin: bool) -> tuple[float, float]:
    """Wall and CPU seconds from the interpreter's first line to the first frame."""
    code = START.format(hide="" if with_plugin else HIDE)
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    return float(out[-2]), float(out[-1])


def first_circle() -> tuple[float, float]:
    """Wall and CPU seconds from the command to the first ring, on `THIN_CT`, or on the sample CT where there is none."""
    path = [str(THIN_CT)] if THIN_CT.is_dir() else []
    out = subprocess.run(
        [sys.executable, "-c", CIRCLE, str(time.time()), *path], capture_output=True, text=True, check=True
    ).stdout.split()
    return float(out[-2]), float(out[-1])


def start(starts: int) -> None:
    """Print how long the window takes to open, and to say something."""
    rows: dict[str, list[tuple[float, float]]] = {"napari with the plugin": [], "napari without it": []}
    for _ in range(starts):
        rows["napari with the plugin"].append(start_up(True))
        rows["napari without it"].append(start_up(False))
    rows["view CT --run: first circle (budget 12 s)"] = [first_circle()]
    print(
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs\n{'':52}{'wall':>8}{'CPU':>8}   s, medians"
    )
    for name, times in rows.items():
        wall, cpu = (median(column) for column in zip(*times))
        print(f"{name:52}{wall:8.2f}{cpu:8.2f}")
    ratios = [
        median(t[k] for t in rows["napari with the plugin"]) / median(t[k] for t in rows["napari without it"])
        for k in (0, 1)
    ]
    print(
        f"start-up with the plugin / without (budget 1.05): {ratios[0]:.2f} wall, {ratios[1]:.2f} CPU",
        flush=True,
    )


def part(name: str, number: int, only: Sequence[str]) -> None:
    """Run a part in a process of its own."""
    code = f"from window_parts.{name} import main; main({number}, {list(only)})"
    folder = Path(__file__).resolve().parent
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help="all without it")
    parser.add_argument("--repeats", type=int, default=40, help="of each step")
    parser.add_argument(
        "--starts", type=int, default=3, help="start-ups with, and as many without, the plugin"
    )
    parser.add_argument("--cases", type=int, default=30, help="that are opened and closed")
    parser.add_argument("--only", nargs="+", default=[], help="lines whose names hold one of these texts")
    args = parser.parse_args()
    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()  # the sidecars of the benchmark are nobody's findings
    for name in args.parts or PARTS:
        if name == "start":
            start(args.starts)
        else:
            part(name, args.repeats if name == "reading" else args.cases, args.only)


if __name__ == "__main__":
    main()
