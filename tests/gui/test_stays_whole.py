"""A slice that fills the canvas goes on filling it when a side of the window becomes wider; a zoomed one stays."""

from dataclasses import replace

import napari
import numpy as np
import pytest
from napari.layers import Image as ImageLayer
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers import planes
from napari_lungmtl.layers.gl_context import canvas_of
from napari_lungmtl.layers.image import add_image_layer, image_layer_data
from napari_lungmtl.panel.dock import LungNodulesDock
from napari_lungmtl.training.findings import Finding, Sphere


def resized(dock, qtbot, width: int) -> None:
    canvas, window = dock.corners.parentWidget(), dock.window()
    before = canvas.width()
    window.resize(window.width() + width, window.height())
    qtbot.waitUntil(lambda: canvas.width() != before)
    for _ in range(3):
        QApplication.processEvents()


def rests(viewer, dock, qtbot) -> None:
    """Wait until no layout is to come and nothing is to be fitted: the canvas has one size in several rounds of events."""
    seen: list[tuple] = []

    def is_at_rest() -> bool:
        seen.append((*viewer.canvas.size, canvas_of(dock.window()).width(), viewer.scene.camera.zoom))
        return not dock.whole._fit.isActive() and len(seen) > 5 and len(set(seen[-5:])) == 1

    qtbot.waitUntil(is_at_rest)


def test_a_slice_that_fills_the_canvas_does_so_in_another_size_and_a_zoomed_one_stays(window, qtbot):
    viewer, dock = window
    start = dock.window().size()
    try:
        planes.fit(viewer)
        before = viewer.scene.camera.zoom
        resized(dock, qtbot, -320)
        qtbot.waitUntil(lambda: viewer.scene.camera.zoom != pytest.approx(before) and planes.fills(viewer))
        viewer.scene.camera.zoom = close = before * 3
        assert not planes.is_whole(viewer)
        resized(dock, qtbot, 320)
        qtbot.waitUntil(lambda: not dock.whole._fit.isActive())
        assert viewer.scene.camera.zoom == pytest.approx(close)
        viewer.scene.camera.zoom = small = before / 4
        resized(dock, qtbot, -160)
        qtbot.waitUntil(lambda: not dock.whole._fit.isActive())
        assert viewer.scene.camera.zoom == pytest.approx(small), "a person made it small"
        planes.fit(viewer)
        camera = viewer.scene.camera
        camera.center = (camera.center[0], *(c + 40 / camera.zoom for c in camera.center[1:]))
        aside = camera.center
        resized(dock, qtbot, -160)
        qtbot.waitUntil(lambda: not dock.whole._fit.isActive())
        assert camera.center == pytest.approx(aside), "a person moved it aside"
    finally:
        dock.window().resize(start)


def test_a_slice_that_was_all_in_view_is_so_beside_a_dock_that_comes_later(shared_viewer, image, qtbot):
    viewer = shared_viewer
    window = viewer.window._qt_window
    start = window.size()
    window.resize(1280, 800)
    add_image_layer(viewer, image)
    QApplication.processEvents()
    planes.fit(viewer)
    before = viewer.scene.camera.zoom
    dock = LungNodulesDock(viewer)
    try:
        viewer.window.add_dock_widget(dock, name="Lung nodules", area="right")
        qtbot.waitUntil(lambda: viewer.scene.camera.zoom < before)
        qtbot.waitUntil(lambda: not dock.whole._fit.isActive())
        assert planes.is_in_view(viewer)
    finally:
        viewer.window.remove_dock_widget(dock)
        dock.close()
        viewer.layers.clear()
        window.resize(start)


def test_the_first_image_of_a_window_with_the_dock_is_all_in_view(image, qtbot):
    """Controls of its layer widen their side, after napari has fitted the image and before the dock acts on it."""
    viewer = napari.Viewer()
    dock = LungNodulesDock(viewer)
    try:
        viewer.window.add_dock_widget(dock, name="Lung nodules", area="right")
        viewer.window.resize(1280, 760)
        rests(viewer, dock, qtbot)
        wide = replace(image, voxels=np.zeros((40, 420, 420), np.int16))
        voxels, attributes, _ = image_layer_data(wide)
        before = canvas_of(dock.window()).width()
        viewer.add_layer(ImageLayer(voxels, **attributes))
        # How wide a layer's controls are is the font's affair: here they take room whatever it is.
        controls = viewer.window._qt_viewer.dockLayerControls
        controls.setMinimumWidth(controls.width() + 150)
        qtbot.waitUntil(lambda: canvas_of(dock.window()).width() < before)
        rests(viewer, dock, qtbot)
        assert planes.is_in_view(viewer)
        assert planes.fills(viewer)
        camera = viewer.scene.camera
        center = camera.center
        finding = Finding(Sphere((-150.0, 40.0, -20.0), 8.0))
        dock.reviewed.session.add(finding)
        rests(viewer, dock, qtbot)
        assert camera.center == pytest.approx(center)
    finally:
        viewer.close()
