"""What napari's layer controls would do to the image or its overlays behind the findings' back."""

from __future__ import annotations

import numpy as np
import pytest
from napari._qt.layer_controls.qt_layer_controls_container import QtLayerControlsContainer
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from superqt import QLabeledSlider

from napari_lungmtl.editing import stays_put
from napari_lungmtl.editing.stays_put import PLACE, WORDS
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.findings import Finding, Sphere

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


def voxels() -> np.ndarray:
    return np.random.default_rng(0).integers(-900, 300, (20, 30, 30)).astype(np.int16)


def mark(dock) -> None:
    dock.reviewed.session.add(Finding(Sphere((9.0, 9.0, 9.0), 6.0)))


def test_an_image_of_another_reader_with_findings_stays_too_and_is_free_when_the_dock_goes(window, told):
    viewer, dock = window
    layer = viewer.add_image(voxels(), scale=(2, 1, 1), units="mm")
    rest(20)
    assert dock.reviewed.layer is layer
    mark(dock)
    layer.translate = (9, 9, 9)
    assert layer.translate.tolist() == [0, 0, 0]
    assert told == [WORDS]
    dock.reviewed.session.undo()
    layer.translate = (9, 9, 9)
    assert layer.translate.tolist() == [0, 0, 0], "what was undone can be done again"
    dock.stays_put.let_go()
    layer.translate = (9, 9, 9)
    assert layer.translate.tolist() == [9, 9, 9]


@pytest.mark.parametrize("wait", [0, 100])
def test_a_scale_that_another_reader_sets_later_is_that_of_the_review(window, told, qtbot, wait):
    viewer, dock = window
    layer = viewer.add_image(voxels(), units="mm")
    if wait:
        rest(wait)
    assert dock.reviewed.layer is layer
    former, spheres = dock.reviewed.session, dock.reviewed.binding.layer
    layer.scale = (2.5, 0.7, 0.7)
    layer.translate = (-100.0, 5.0, 5.0)
    qtbot.waitUntil(lambda: dock.reviewed.session is not former)
    image = dock.reviewed.session.image
    assert image.spacing == (2.5, 0.7, 0.7)
    assert image.origin == (-100.0, 5.0, 5.0)
    assert dock.reviewed.layer is layer
    assert [r.layer for r in dock.reviewed_images].count(layer) == 1
    assert dock.findings.reviewed is dock.reviewed
    assert spheres not in viewer.layers
    assert dock.reviewed.binding.layer in viewer.layers
    assert viewer.dims.range[0].start == -100.0
    mark(dock)
    assert len(dock.reviewed.binding.layer.data) == 1
    before = place(layer)
    assert told == []
    layer.scale = (1, 1, 1)
    assert place(layer) == before, "findings are kept as places in it from now on"
    assert told == [WORDS]


def test_a_hidden_image_of_another_reader_gets_its_scale_and_stays_hidden(window, told, image, qtbot):
    viewer, dock = window
    layer = viewer.add_image(voxels(), units="mm")
    rest(20)
    former = dock.reviewed.session
    shown = add_image_layer(viewer, image)
    rest(20)
    layer.scale = (2.5, 0.7, 0.7)
    sessions = lambda: {id(r.layer): r.session for r in dock.reviewed_images}  # noqa: E731
    qtbot.waitUntil(lambda: sessions()[id(layer)] is not former)
    assert sessions()[id(layer)].image.spacing == (2.5, 0.7, 0.7)
    assert dock.reviewed.layer is shown
    hidden = next(r for r in dock.reviewed_images if r.layer is layer)
    assert not any(each.visible for each in (layer, *hidden.drawn))
    assert told == []


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_a_place_that_comes_with_the_first_finding_or_that_no_review_can_have_is_put_back(
    window, told, qtbot
):
    viewer, dock = window
    layer = viewer.add_image(voxels(), units="mm")
    former = dock.reviewed
    layer.rotate = (10.0, 0.0, 0.0)
    qtbot.waitUntil(lambda: told == [WORDS])
    assert np.allclose(layer.rotate, np.eye(3))
    assert dock.reviewed is former
    layer.scale = (2.5, 0.7, 0.7)
    mark(dock)
    qtbot.waitUntil(lambda: layer.scale.tolist() == [1, 1, 1])
    assert dock.reviewed is former


def test_an_image_of_this_plugin_stays_where_it_is_before_it_has_findings(window, image, told):
    viewer, dock = window
    layer = add_image_layer(viewer, image)
    before = place(layer)
    assert not len(dock.reviewed.session.findings)
    layer.scale = (1, 1, 1)
    assert place(layer) == before
    assert told == [WORDS]


@pytest.mark.parametrize("found", [False, True])
def test_a_layer_that_gets_other_axes_is_held_with_these(window, told, qtbot, found):
    viewer, dock = window
    layer = viewer.add_image(voxels(), scale=(2.5, 0.7, 0.7))
    if found:
        mark(dock)
    rest(20)
    layer.data = voxels()[5]
    layer.translate = (1, 1)
    rest(100)
    assert layer.translate.tolist() == [1, 1]
    layer.translate = (2, 2)
    rest(100)
    assert layer.translate.tolist() == ([1, 1] if found else [2, 2])
    assert told == ([WORDS] if found else [])


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
