"""Cine: slices by themselves, forth and back, by key and by button."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.layers import planes
from napari_lungmtl.layers.gl_context import canvas_of
from napari_lungmtl.layers.image import add_image_layer

from ..stand_ins.canvas_mouse import CanvasMouse
from ..stand_ins.dock_input import press, rest
from ..stand_ins.real_wheel import turn_wheel
from ..stand_ins.reviewed_radiographs import radiograph

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def follow(shared_viewer):
    """Gives the slices that are shown from now on."""
    events, followed = shared_viewer.dims.events.point, []

    def follow(viewer) -> list[int]:
        seen: list[int] = []

        def look(_event) -> None:
            seen.append(viewer.dims.current_step[viewer.dims.order[0]])

        events.connect(look)
        followed.append(look)
        return seen

    yield follow
    for look in followed:
        events.disconnect(look)


def test_it_plays_to_the_end_and_back_until_it_is_stopped(window, qtbot, follow):
    viewer, dock = window
    dock.cine.set_speed(60)
    viewer.dims.set_current_step(0, 37)
    seen = follow(viewer)
    press(dock, Qt.Key.Key_K)
    assert dock.show_section.cine.forth.isChecked()
    qtbot.waitUntil(lambda: len(seen) >= 5)
    assert seen[:5] == [38, 39, 38, 37, 36]
    assert dock.show_section.cine.back.isChecked()
    press(dock, Qt.Key.Key_K, SHIFT)
    assert dock.cine.direction == 0
    place = viewer.dims.current_step[0]
    rest(100)
    assert viewer.dims.current_step[0] == place


def test_buttons_play_the_plane_that_is_seen_and_keys_change_the_speed(window, qtbot, follow):
    viewer, dock = window
    planes.show(viewer, "coronal")
    viewer.dims.set_current_step(1, 30)
    seen = follow(viewer)
    dock._scroll.ensureWidgetVisible(dock.show_section.cine)
    QTest.mouseClick(dock.show_section.cine.back, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(seen) >= 2)
    assert seen[:2] == [29, 28]
    QTest.mouseClick(dock.show_section.cine.back, Qt.MouseButton.LeftButton)
    assert dock.cine.direction == 0
    press(dock, Qt.Key.Key_Equal)
    assert (dock.cine.speed, dock.show_section.cine.speed.value()) == (19, 19)
    press(dock, Qt.Key.Key_Minus)
    press(dock, Qt.Key.Key_Minus)
    assert dock.show_section.cine.speed.text() == "12 slices/s"


def test_a_finding_another_image_and_3d_stop_it(after_run):
    viewer, dock = after_run
    press(dock, Qt.Key.Key_K)
    assert dock.cine.direction == 1
    press(dock, Qt.Key.Key_N)  # the next finding
    assert dock.cine.direction == 0
    planes.show(viewer, "3-D")
    press(dock, Qt.Key.Key_K)
    assert dock.cine.direction == 0
    planes.show(viewer, "axial")
    press(dock, Qt.Key.Key_K)
    add_image_layer(viewer, radiograph())
    assert dock.cine.direction == 0
    assert not dock.show_section.cine.isVisible()
    press(dock, Qt.Key.Key_K)
    assert dock.cine.direction == 0


def test_a_hand_on_the_picture_stops_it_and_what_is_drawn_is_kept(window, qtbot, follow):
    viewer, dock = window
    mouse = CanvasMouse(dock)
    dock.cine.set_speed(60)
    seen = follow(viewer)
    press(dock, Qt.Key.Key_K)
    qtbot.waitUntil(lambda: len(seen) >= 2)
    press(dock, Qt.Key.Key_L)  # a tool
    assert dock.cine.direction == 0
    press(dock, Qt.Key.Key_K)  # once more, the tool still in hand
    qtbot.waitUntil(lambda: len(seen) >= 4)
    z = viewer.dims.point[0]
    mouse.drag((z, 20.0, -20.0), (z, 50.0, 15.0), while_held=lambda: rest(60))
    assert dock.cine.direction == 0
    (line,) = dock.reviewed.session.findings.measurements
    assert line.position == viewer.dims.point[0]
    press(dock, Qt.Key.Key_K)
    labels = viewer.add_labels(
        np.zeros((40, 60, 60), np.uint8), scale=(2.5, 1, 1), translate=(-200.0, 10.0, -30.0)
    )
    labels.mode, labels.brush_size = "paint", 3
    qtbot.waitUntil(lambda: len(seen) >= 6)
    place = viewer.dims.point[0], 30.0, 0.0
    mouse.drag(place, (place[0], 40.0, 5.0), while_held=lambda: rest(60))
    assert dock.cine.direction == 0
    painted = np.unique(np.nonzero(labels.data)[0])
    assert painted.tolist() == [viewer.dims.current_step[0]]


def test_who_goes_to_another_slice_is_not_carried_on_but_a_window_may_change(window, qtbot, follow):
    viewer, dock = window
    dock.cine.set_speed(60)
    for go in (lambda: viewer.dims.set_current_step(0, 20), lambda: turn_wheel(canvas_of(dock.window()), 3)):
        seen = follow(viewer)
        viewer.dims.set_current_step(0, 5)
        press(dock, Qt.Key.Key_K)
        qtbot.waitUntil(lambda seen=seen: len(seen) >= 3)
        go()
        place = viewer.dims.current_step[0]
        qtbot.waitUntil(lambda: dock.cine.direction == 0)
        assert viewer.dims.current_step[0] == place
    press(dock, Qt.Key.Key_K)
    press(dock, Qt.Key.Key_2)
    rest(60)
    assert dock.cine.direction == 1
    press(dock, Qt.Key.Key_K)
