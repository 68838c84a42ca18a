"""What napari's layer controls would do to the image or its overlays behind the findings' back."""

from __future__ import annotations

import numpy as np
import pytest
from napari._qt.layer_controls.qt_layer_controls_container import QtLayerControlsContainer
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from superqt import QLabeledSlider

from napari_lungmtl.canvas import stays_put
from napari_lungmtl.canvas.stays_put import PLACE, WORDS
from napari_lungmtl.layers.image import add_image_layer

from ..stand_ins.dock_input import press, rest
from ..stand_ins.reviewed_radiographs import radiograph


@pytest.fixture
def told(monkeypatch) -> list[str]:
    words: list[str] = []
    monkeypatch.setattr(stays_put, "show_info", words.append)
    return words


def place(layer) -> list[list[float]]:
    return [np.ravel(getattr(layer, name)).tolist() for name in PLACE]


def drag(canvas) -> None:
    middle = canvas.rect().center()
    QTest.mouseMove(canvas, middle)
    rest(20)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    for step in (10, 20, 30, 40):
        QTest.mouseMove(canvas, middle + QPoint(step, step // 2))
        rest(20)
    QTest.mouseRelease(
        canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle + QPoint(40, 20)
    )
    rest(20)


@pytest.mark.parametrize("film", [False, True])
def test_transform_moves_neither_image_nor_overlays_and_says_so_once(after_run, told, film):
    viewer, dock = after_run
    if film:
        add_image_layer(viewer, radiograph())
    rest(20)
    layer = dock.reviewed.layer
    before = place(layer)
    viewer.layers.selection.active, layer.mode = layer, "transform"
    drag(dock.corners.parentWidget())
    layer.mode = "pan_zoom"
    assert place(layer) == before
    assert told == [WORDS]


def test_neither_a_script_nor_another_plugin_moves_what_is_under_review(after_run, told):
    viewer, dock = after_run
    rest(20)
    reviewed = dock.reviewed
    for layer in (reviewed.layer, *reviewed.drawn):
        before = place(layer)
        layer.translate = np.add(layer.translate, 5)
        layer.scale = np.multiply(layer.scale, 2)
        layer.affine = np.diag([1.0, 2.0, 1.0, 1.0])
        assert place(layer) == before
    assert told == [WORDS]
    own = viewer.add_points(np.zeros((1, 3)))
    rest(20)
    own.translate = (1.0, 2.0, 3.0)
    assert own.translate.tolist() == [1.0, 2.0, 3.0]


def test_an_image_of_another_reader_stays_too_and_is_free_when_the_dock_goes(window, told):
    viewer, dock = window
    voxels = np.random.default_rng(0).integers(-900, 300, (20, 30, 30)).astype(np.int16)
    layer = viewer.add_image(voxels, scale=(2, 1, 1), units="mm")
    rest(20)
    assert dock.reviewed.layer is layer
    layer.translate = (9, 9, 9)
    assert layer.translate.tolist() == [0, 0, 0]
    dock.stays_put.let_go()
    layer.translate = (9, 9, 9)
    assert layer.translate.tolist() == [9, 9, 9]


def test_the_point_size_slider_says_and_sets_millimetres(after_run, qtbot):
    viewer, dock = after_run
    session = dock.reviewed.session
    press(dock, Qt.Key.Key_N)
    viewer.layers.selection.active = layer = dock.reviewed.binding.layer
    controls = dock.window().findChild(QtLayerControlsContainer).widgets[layer]
    slider = next(s for s in controls.findChildren(QLabeledSlider) if "size" in s.toolTip())
    assert slider.value() == session.findings["f1"].diameter == 21
    steps = len(session.steps)
    for _ in range(8):
        slider.setValue(slider.value() + 1)
    qtbot.waitUntil(lambda: session.findings["f1"].diameter == 29)
    assert slider.value() == 29
    assert len(session.steps) == steps + 1
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.findings["f1"].diameter == slider.value() == 21
    layer.selected_data = {1}
    assert slider.value() == session.findings["f2"].diameter
