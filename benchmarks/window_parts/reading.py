"""Reading a CT with everything on: three views, captions, corner texts, the attribute table, the card, a measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .measure import Row, Window, is_asked, show

SHAPE = (99, 512, 512)
SIZE = (1280, 760)
FEW, MANY = 50, 200


def volume(seed: int = 0) -> Any:
    """A CT of noise, which costs as much as a chest."""
    from napari_lungmtl.training.imaging.image import Image

    voxels = np.random.default_rng(seed).integers(-1000, 400, SHAPE, np.int16)
    return Image(
        voxels, "CT", (2.5, 0.7, 0.7), (-300.0, -180.0, -180.0 + 3 * seed), series_uid=f"benchmark {seed}"
    )


def nodules(image: Any, count: int, lowest: float) -> Any:
    """Findings anywhere in it, judged by both networks as a run leaves them."""
    from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Findings, Opinion, Provenance, Sphere

    rng = np.random.default_rng(1)
    low, high = image.extent
    slices = [f"{plane} {mm} mm" for plane in ("axial", "coronal", "sagittal") for mm in range(-6, 7, 2)]
    views = [f"view {n}" for n in range(9)]

    def judged(score: float) -> Any:
        attributes = {name: float(rng.integers(1, 5)) for name in ATTRIBUTES}
        spread = dict.fromkeys(attributes, 0.3)
        parts, folds = rng.random(len(slices)), rng.random(5)
        opinions = (
            Opinion("mtmr", "1", rng.random(), 0.1, parts, slices, folds, attributes, spread),
            Opinion("mtcnn", "1", rng.random(), 0.1, rng.random(9), views, rng.random(5)),
        )
        return Finding(
            Sphere(tuple((low + (high - low) * rng.random(3)).tolist()), float(rng.uniform(3, 30))),
            score=score,
            malignancy=rng.random(),
            malignancy_spread=0.1,
            attributes=attributes,
            opinions=opinions,
            provenance=Provenance("ag3d", "1"),
        )

    return Findings(tuple(judged(float(score)) for score in np.linspace(0.99, lowest, count)))


def main(repeats: int, only: Sequence[str] = ()) -> None:
    """Print the table, or some lines of it (see `is_asked`)."""
    import napari

    from napari_lungmtl.layers.spheres.layer import add_image_layer
    from napari_lungmtl.panel import run
    from napari_lungmtl.training.findings import Measurement
    from napari_lungmtl.views.slab import Slab

    run.WARM_UP_MS = 10**8  # torch, loaded in the background, would count: see `work.py`
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    image, other = volume(0), volume(1)
    add_image_layer(viewer, image)
    window = Window(viewer)
    window.drawn(lambda: None)
    rows: list[Row] = []

    def row(name: str, *args: Any) -> None:
        if is_asked(name, only):
            rows.append(window.each(name, *args))

    steps = range(repeats)
    row("napari alone: axial step", (lambda i=i: viewer.dims.set_point(0, -250.0 + 2.5 * i) for i in steps))
    docks: list[Any] = []

    def open_dock() -> None:
        from napari_lungmtl.panel.dock import LungNodulesDock

        docks.append(LungNodulesDock(viewer))
        viewer.window.add_dock_widget(docks[0], name="Lung nodules", area="right")

    row("open the dock", [open_dock])
    if not docks:
        open_dock()
    dock = docks[0]
    session = dock.reviewed.session
    session.replace_findings(nodules(image, FEW, 0.9))
    line = Measurement("line", ((-200.0, 0.0, 0.0), (-200.0, 30.0, 40.0)), axis=0, values={"length": 50.0})
    session.measure([line])
    views = dock.views

    def axial(i: int) -> Callable[[], object]:
        return lambda: viewer.dims.set_point(0, -250.0 + 2.5 * (i % 80))

    row(f"one view, {FEW} findings: axial step", map(axial, steps))
    views.link(True)
    dock.findings.step(1)
    window.drawn(lambda: None)
    rng = np.random.default_rng(2)

    def click() -> Callable[[], object]:
        place = image.to_world(rng.uniform(0.2, 0.8, 3) * image.shape)
        return lambda: views.move_to(dict(enumerate(place.tolist())))

    coronal = views.panes["coronal"]
    row("three views: axial step", map(axial, steps), 50)
    row("three views: coronal step", ((lambda i=i: coronal.stepped.emit(1, 1)) for i in steps), 50)
    row("three views: click, all planes move", (click() for _ in steps), 50)
    row("three views: next finding", ((lambda: dock.findings.step(1)) for _ in steps), 100)
    camera = viewer.scene.camera
    row("three views: zoom", ((lambda f=f: setattr(camera, "zoom", camera.zoom * f)) for f in [1.03] * repeats))  # fmt: skip
    row("three views: drag of the window", ((lambda i=i: views._window(2.0, 1.0)) for i in steps))
    viewer.reset_view()
    views.show_slab(Slab("MIP", 20.0))
    row("slab of 20 mm: axial step", map(axial, steps), 100)
    row("slab of 20 mm: click, all planes move", (click() for _ in steps), 100)
    for kind in ("MIP", "mean", "minIP"):
        views.show_slab(Slab(kind, 20.0))
        window.drawn(lambda: None)
        thick = (18.0 + i % 5 for i in steps)
        drags = ((lambda t=t, k=kind: views.show_slab(Slab(k, t))) for t in thick)
        row(f"slab: drag of the thickness, {kind}", drags, 100)
    views.show_slab(Slab())
    session.replace_findings(nodules(image, MANY, 0.05))
    slider = dock.show_section.score.slider
    slider.setValue(0)
    window.drawn(lambda: None)
    places = np.linspace(5, slider.maximum() - 5, repeats).astype(int)
    row(f"three views, {MANY} findings: threshold step", ((lambda v=v: slider.setValue(int(v))) for v in places), 50)  # fmt: skip
    slider.setValue(0)
    row(f"three views, {MANY} findings: next finding", ((lambda: dock.findings.step(1)) for _ in steps), 100)
    views.link(False)
    row(f"one view, {MANY} findings: threshold step", ((lambda v=v: slider.setValue(int(v))) for v in places), 50)  # fmt: skip
    slider.setValue(0)
    row(f"one view, {MANY} findings: next finding", ((lambda: dock.findings.step(1)) for _ in steps), 100)
    session.replace_findings(session.findings.with_items(nodules(image, FEW, 0.9).items))
    views.link(True)
    layer = add_image_layer(viewer, other)
    dock.reviewed.session.replace_findings(nodules(other, FEW, 0.9))
    assert dock.reviewed.layer is layer
    for _ in range(2):  # each has been seen
        window.drawn(lambda: dock.reviewed_images.step(1))
    row("three views: switch between two CTs", ((lambda: dock.reviewed_images.step(1)) for _ in steps), 150)
    show(rows)
    viewer.close()
