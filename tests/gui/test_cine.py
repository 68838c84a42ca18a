"""Cine: slices by themselves, forth and back, by key and by button."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.layers import planes
from napari_lungmtl.layers.image import add_image_layer

from ..stand_ins.dock_input import press
from ..stand_ins.reviewed_radiographs import radiograph

SHIFT = Qt.KeyboardModifier.ShiftModifier


def follow(viewer) -> list[int]:
    """The slices that are shown from now on."""
    seen: list[int] = []
    viewer.dims.events.point.connect(
        lambda _event: seen.append(viewer.dims.current_step[viewer.dims.order[0]])
    )
    return seen


def test_it_plays_to_the_end_and_back_until_it_is_stopped(window, qtbot):
    viewer, dock = window
    dock.cine.set_speed(60)
    viewer.dims.set_current_step(0, 37)
    seen = follow(viewer)
    press(dock, Qt.Key.Key_K)
    assert dock.show_section.cine.forth.isChecked()
    qtbot.waitUntil(lambda: len(seen) >= 5, timeout=20_000)
    assert seen[:5] == [38, 39, 38, 37, 36]
    assert dock.show_section.cine.back.isChecked()
    press(dock, Qt.Key.Key_K, SHIFT)
    assert dock.cine.direction == 0
    place = viewer.dims.current_step[0]
    QTest.qWait(100)
    assert viewer.dims.current_step[0] == place


def test_buttons_play_the_plane_that_is_seen_and_keys_change_the_speed(window, qtbot):
    viewer, dock = window
    planes.show(viewer, "coronal")
    viewer.dims.set_current_step(1, 30)
    seen = follow(viewer)
    dock._scroll.ensureWidgetVisible(dock.show_section.cine)
    QTest.mouseClick(dock.show_section.cine.back, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(seen) >= 2, timeout=20_000)
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
