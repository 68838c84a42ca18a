"""What the window costs: start-up with and without the plugin, opening the dock, threshold drag, selecting a finding.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/window.py [--repeats N]

Each start-up is a process of its own, with and without in turn. "Drawn" is until the window has painted itself, on whatever
OpenGL there is (software under Xvfb). ``load`` is the machine's load average: on a busy machine read the CPU column.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import numpy as np

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
N_FINDINGS = 200


def start_up(with_plugin: bool) -> tuple[float, float]:
    """Wall and CPU seconds from the interpreter's first line to the first frame."""
    code = START.format(hide="" if with_plugin else HIDE)
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    return float(out[-2]), float(out[-1])


def in_window(repeats: int) -> dict[str, list[tuple[float, float]]]:
    """Wall and CPU seconds of opening the dock, of threshold steps, and of selections, on a 99 × 512 × 512 volume."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_lungmtl.layers.spheres.layer import add_image_layer
    from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Findings, Provenance, Sphere
    from napari_lungmtl.training.findings.truth import Truth
    from napari_lungmtl.training.imaging.image import Image

    rng = np.random.default_rng(0)
    voxels = rng.integers(-1000, 400, (99, 512, 512), np.int16)
    image = Image(voxels, "CT", (2.5, 0.7, 0.7), (-300.0, -180.0, -180.0), series_uid="benchmark")
    viewer = napari.Viewer()
    add_image_layer(viewer, image)
    viewer.window.resize(1280, 800)

    def drawn(action) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        action()
        QApplication.processEvents()  # paints canvas and dock, and reads the canvas back to compose the window
        return time.perf_counter() - wall, time.process_time() - cpu

    drawn(lambda: None)
    layer = viewer.layers[0]
    refresh = [drawn(lambda: layer.refresh(thumbnail=False)) for _ in range(repeats)]
    results = {"napari alone: the same slice again": refresh}
    next_slice = [drawn(lambda i=i: viewer.dims.set_point(0, -250 + 2.5 * i)) for i in range(repeats)]
    results["napari alone: the next slice"] = next_slice
    docks = []

    def open_dock() -> None:
        from napari_lungmtl.panel.dock import LungNodulesDock

        docks.append(LungNodulesDock(viewer))
        viewer.window.add_dock_widget(docks[0], name="Lung nodules", area="right")

    results["open the dock, drawn"] = [drawn(open_dock)]
    low, high = image.extent
    findings = Findings(
        tuple(
            Finding(
                Sphere(tuple(low + (high - low) * rng.random(3)), rng.uniform(3, 30)),
                score=score,
                malignancy=rng.random(),
                malignancy_spread=0.1,
                attributes=dict.fromkeys(ATTRIBUTES, 3.0),
                provenance=Provenance("x", "1"),
            )
            for score in np.linspace(0.99, 0.05, N_FINDINGS)
        )
    )
    session = docks[0].reviewed.session
    session.replace_findings(findings)
    slider = docks[0].show_section.score.slider
    slider.setValue(0)
    drawn(lambda: None)
    steps = np.linspace(5, slider.maximum() - 5, repeats).astype(int)
    results[f"threshold step, {N_FINDINGS} findings, drawn"] = [
        drawn(lambda v=v: slider.setValue(int(v))) for v in steps
    ]
    shown = findings.items[:: N_FINDINGS // 20]
    nodules = tuple(Finding(f.geometry, status="accepted", id=f"truth{i}") for i, f in enumerate(shown))
    docks[0].compare.set_truth(Truth(Findings(nodules, session.findings.image)))
    docks[0].compare.set_open(True)
    slider.setValue(0)
    drawn(lambda: None)
    results[f"threshold step, {N_FINDINGS} findings beside {len(nodules)} true nodules, drawn"] = [
        drawn(lambda v=v: slider.setValue(int(v))) for v in steps
    ]
    docks[0].compare.set_truth(None)
    slider.setValue(0)
    drawn(lambda: None)
    results["select the next finding, drawn"] = [
        drawn(lambda: docks[0].findings.step(1)) for _ in range(repeats)
    ]
    camera = viewer.scene.camera

    def zoom() -> None:
        camera.zoom *= 1.02

    results["zoom with the attribute table, drawn"] = [drawn(zoom) for _ in range(repeats)]
    docks[0].preferences.switch("attributes", False)
    results["zoom without them, drawn"] = [drawn(zoom) for _ in range(repeats)]
    results["select the next finding without them, drawn"] = [
        drawn(lambda: docks[0].findings.step(1)) for _ in range(repeats)
    ]
    viewer.close()
    return results


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40, help="threshold steps and selections")
    parser.add_argument(
        "--starts", type=int, default=3, help="start-ups with, and as many without, the plugin"
    )
    parser.add_argument("--json", help="write the figures (seconds) to this file as well")
    args = parser.parse_args()
    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()  # the sidecars of the benchmark are nobody's findings
    starts: dict[str, list[tuple[float, float]]] = {"napari with the plugin": [], "napari without it": []}
    for _ in range(args.starts):
        starts["napari with the plugin"].append(start_up(True))
        starts["napari without it"].append(start_up(False))
    results = {**starts, **in_window(args.repeats)}
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs")
    print(f"{'':44}{'median':>9}{'p95':>9}{'CPU median':>12}{'CPU p95':>9}   ms")
    for name, times in results.items():
        wall, cpu = (1000 * np.array(column) for column in zip(*times))
        print(
            f"{name:44}{median(wall):9.0f}{np.percentile(wall, 95):9.0f}"
            f"{median(cpu):12.0f}{np.percentile(cpu, 95):9.0f}"
        )
    with_, without = (median(w for w, _ in starts[k]) for k in starts)
    print(f"start-up with the plugin / without: {with_ / without:.2f}")
    if args.json:
        with open(args.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
