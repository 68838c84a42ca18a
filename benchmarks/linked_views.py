"""What linked views and slabs cost: a slice step, a click, and a slab of 20 mm in all three views of 99×512×512 with 50 findings.

    xvfb-run -a -s "-screen 0 1920x1080x24" python benchmarks/linked_views.py [--repeats N] [--canvases]

A figure is until canvas and panes have painted themselves and the window is composed, on whatever OpenGL there is (software
under Xvfb); what napari does afterwards (the layer's thumbnail) is left out, as in `window.py`. Beside it: the same window
with its canvas alone, and, with ``--canvases``, three canvases of napari's (`ViewerModel` and `QtViewer`) in place of the
painted panes. ``load`` is the machine's load average: on a busy machine read the CPU columns.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from statistics import median

import numpy as np

Times = list[tuple[float, float]]
N_FINDINGS = 50
BUDGETS = {"step": 50, "slab": 100}
SIZE = (1280, 760)


def drawn(action: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of an action until the window has painted itself."""
    from qtpy.QtWidgets import QApplication

    wall, cpu = time.perf_counter(), time.process_time()
    action()
    QApplication.processEvents()
    passed = time.perf_counter() - wall, time.process_time() - cpu
    QApplication.processEvents()
    return passed


def volume():
    """The CT: noise costs as much as a chest."""
    from napari_lungmtl.training.imaging.image import Image

    voxels = np.random.default_rng(0).integers(-1000, 400, (99, 512, 512), np.int16)
    return Image(voxels, "CT", (2.5, 0.7, 0.7), (-300.0, -180.0, -180.0), series_uid="benchmark")


def nodules(image):
    """Findings anywhere in it."""
    from napari_lungmtl.training.findings import Finding, Findings, Provenance, Sphere

    rng = np.random.default_rng(1)
    low, high = image.extent
    return Findings(
        tuple(
            Finding(
                Sphere(tuple(low + (high - low) * rng.random(3)), rng.uniform(3, 30)),
                score=0.9,
                malignancy=rng.random(),
                provenance=Provenance("x", "1"),
            )
            for _ in range(N_FINDINGS)
        )
    )


def in_window(repeats: int) -> dict[str, tuple[Times, str]]:
    """Times, each with the budget that it is held against."""
    import napari

    from napari_lungmtl.layers.spheres.layer import add_image_layer
    from napari_lungmtl.panel import run
    from napari_lungmtl.panel.dock import LungNodulesDock
    from napari_lungmtl.training.imaging.slab import Slab

    run.WARM_UP_MS = 10**8  # torch, loaded in the background, would count
    image = volume()
    viewer = napari.Viewer()
    add_image_layer(viewer, image)
    dock = LungNodulesDock(viewer)
    viewer.window.add_dock_widget(dock, name="Lung nodules", area="right")
    viewer.window.resize(*SIZE)
    dock.reviewed.session.replace_findings(nodules(image))
    drawn(lambda: None)
    rng = np.random.default_rng(2)
    views = dock.views

    def axial(i: int) -> Callable[[], object]:
        return lambda: viewer.dims.set_point(0, -250.0 + 2.5 * i)

    def click() -> Callable[[], object]:
        place = image.to_world(rng.uniform(0.2, 0.8, 3) * image.shape)
        return lambda: views.move_to(dict(enumerate(place.tolist())))

    results: dict[str, tuple[Times, str]] = {}

    def measure(name: str, budget: str, actions) -> None:
        results[name] = [drawn(action) for action in actions], budget

    steps = range(min(repeats, 80))
    measure("canvas alone: axial step", "", map(axial, steps))
    measure("canvas alone: to a place, all axes", "", (click() for _ in steps))
    results["link the views"] = [drawn(lambda: views.link(True))], ""
    drawn(lambda: None)
    coronal = views.panes["coronal"]
    measure("all three: axial step", "step", map(axial, steps))
    measure("all three: coronal step", "step", ((lambda i=i: coronal.stepped.emit(1, 1)) for i in steps))
    measure("all three: click, all planes move", "step", (click() for _ in steps))
    measure("switch to a slab of 20 mm, and back", "slab", _toggles(views, steps))
    views.show_slab(Slab("MIP", 20.0))
    measure("slab of 20 mm: axial step", "slab", map(axial, steps))
    measure("slab of 20 mm: click, all planes move", "slab", (click() for _ in steps))
    for kind in ("MIP", "mean", "minIP"):
        views.show_slab(Slab(kind, 20.0))
        drawn(lambda: None)
        thick = (18.0 + i % 5 for i in steps)
        measure(f"drag of the thickness, {kind}", "slab", _thicknesses(views, kind, thick))
    viewer.close()
    return results


def _toggles(views, steps):
    from napari_lungmtl.training.imaging.slab import Slab

    slabs = Slab("MIP", 20.0), Slab()
    return ((lambda i=i: views.show_slab(slabs[i % 2])) for i in steps)


def _thicknesses(views, kind, thicknesses):
    from napari_lungmtl.training.imaging.slab import Slab

    return ((lambda t=t: views.show_slab(Slab(kind, t))) for t in thicknesses)


def three_canvases(repeats: int) -> dict[str, tuple[Times, str]]:
    """The peer: napari's canvas thrice, in one window, without the dock and its overlays."""
    from napari.components import ViewerModel
    from napari.qt import QtViewer
    from qtpy.QtWidgets import QHBoxLayout, QWidget

    from napari_lungmtl.layers.image import image_layer_data
    from napari_lungmtl.layers.planes import ORDERS
    from napari_lungmtl.layers.spheres.layer_data import points_layer_data

    image = volume()
    voxels, attributes, _ = image_layer_data(image)
    data, points, _ = points_layer_data(nodules(image))
    window = QWidget()
    row = QHBoxLayout(window)
    models = []

    def open_() -> None:
        for order in ORDERS.values():
            model = ViewerModel()
            model.add_image(voxels, **attributes)
            model.add_points(data, **points)
            model.dims.order = order
            row.addWidget(QtViewer(model))
            models.append(model)
        window.resize(*SIZE)
        window.show()

    def move(place) -> None:
        for model in models:
            model.dims.set_point(range(3), place)

    rng = np.random.default_rng(2)
    places = [image.to_world(rng.uniform(0.2, 0.8, 3) * image.shape).tolist() for _ in range(repeats)]
    results = {"three of napari's canvases: open": ([drawn(open_)], "")}
    drawn(lambda: None)
    results["three of napari's canvases: click"] = ([drawn(lambda p=p: move(p)) for p in places], "step")
    return results


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--canvases", action="store_true", help="measure three of napari's canvases as well")
    args = parser.parse_args()
    os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()  # the sidecars of the benchmark are nobody's findings
    results = in_window(args.repeats)
    if args.canvases:
        results |= three_canvases(args.repeats)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs, {N_FINDINGS} findings, 99 × 512 × 512")
    print(f"{'':42}{'median':>8}{'p95':>7}{'CPU median':>12}{'CPU p95':>9}{'budget':>8}   ms")
    for name, (times, budget) in results.items():
        wall, cpu = (1000 * np.array(column) for column in zip(*times))
        print(
            f"{name:42}{median(wall):8.0f}{np.percentile(wall, 95):7.0f}"
            f"{median(cpu):12.0f}{np.percentile(cpu, 95):9.0f}{BUDGETS.get(budget, ''):>8}"
        )


if __name__ == "__main__":
    main()
