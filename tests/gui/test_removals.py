"""Layers removed while the canvas is on the screen: napari 0.9.2 ended the process at the next redraw (`gl_context`)."""

from __future__ import annotations

import napari
import numpy as np
import pytest
from qtpy.QtGui import QOpenGLContext
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QApplication

from ..stand_ins.reviewed_radiographs import (
    radiograph,
    radiograph_networks,
)

RECTANGLE = np.array([(20.0, 0.0), (60.0, 40.0)])


def draw(viewer: napari.Viewer) -> None:
    """Let Qt compose the window, then draw the canvas."""
    QApplication.processEvents()
    viewer.screenshot(canvas_only=True, flash=False)


@pytest.fixture
def image():
    """The image that `open_dock` opens."""
    return radiograph()


@pytest.fixture
def predictor(monkeypatch) -> None:
    """Both networks of radiographs."""
    radiograph_networks(monkeypatch)


def close(viewer: napari.Viewer, dock) -> None:
    viewer.window.remove_dock_widget(dock)
    dock.close()
    dock.deleteLater()


def contexts_at_removal(viewer: napari.Viewer, remove) -> set[bool]:
    """Whether the canvas's context is the current one when layers go; Qt's own is, before."""
    (canvas,) = viewer.window._qt_window.findChildren(QOpenGLWidget)
    found: set[bool] = set()

    def look(_event: object) -> None:
        found.add(QOpenGLContext.currentContext() == canvas.context())

    draw(viewer)
    QApplication.processEvents()
    QApplication.processEvents()
    assert QOpenGLContext.currentContext() != canvas.context()
    viewer.layers.events.removed.connect(look)
    viewer.layers.events.end_batch.connect(look)
    remove()
    viewer.layers.events.removed.disconnect(look)
    viewer.layers.events.end_batch.disconnect(look)
    return found


def test_the_canvas_is_current_when_layers_go(window):
    viewer, _ = window
    rectangle = viewer.add_shapes([RECTANGLE], ndim=2)
    assert contexts_at_removal(viewer, lambda: viewer.layers.remove(rectangle)) == {True}
    assert contexts_at_removal(viewer, viewer.layers.clear) == {True}
    assert contexts_at_removal(viewer, viewer.layers.clear) == {
        True
    }  # of none, napari carries out what waits, too


def test_layers_can_be_removed_after_the_dock_was_closed(shared_viewer, open_dock, qtbot):
    viewer = shared_viewer
    dock = open_dock(viewer)
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    picture = dock.reviewed.layer
    draw(viewer)
    assert viewer.canvas.background_color_override is not None
    close(viewer, dock)
    assert list(viewer.layers) == [picture]  # the drawings of the dock went with it
    assert viewer.canvas.background_color_override is None, "napari has its own ground again"
    draw(viewer)
    rectangle = viewer.add_shapes([RECTANGLE], ndim=2)
    draw(viewer)
    viewer.layers.remove(rectangle)
    draw(viewer)
    viewer.layers.clear()
    draw(viewer)


def test_layers_of_two_windows_can_be_removed_in_turns(shared_viewer, open_dock, qtbot):
    other = napari.Viewer()
    docks = [(viewer, open_dock(viewer)) for viewer in (shared_viewer, other)]
    for _, dock in docks:
        with qtbot.waitSignal(dock.run.finished, timeout=60_000):
            dock.run.start()
    for viewer, _ in docks:
        draw(viewer)
    for kind in ("boxes", "nodule masks", "lungs"):
        for viewer, _ in docks:
            viewer.layers.remove(kind)
            for window, _ in docks:
                draw(window)
    for viewer, dock in docks:
        assert list(viewer.layers) == [dock.reviewed.layer]
        close(viewer, dock)
        viewer.layers.clear()
        draw(viewer)
    other.close()
    draw(shared_viewer)
