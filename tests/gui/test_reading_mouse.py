"""Wheel, Ctrl+wheel and right drag on the canvas, window keys, and the switch back to napari's own mouse: real Qt events."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers import planes

from ..stand_ins.dock_input import press

NO, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def wheel(dock, notches: float, modifier=NO, at: tuple[float, float] = (0.5, 0.5)) -> None:
    """Turn the wheel over a part of the canvas's width and height."""
    canvas = dock.corners.parentWidget()
    place = QPointF(at[0] * canvas.width(), at[1] * canvas.height())
    event = QWheelEvent(
        *(place, canvas.mapToGlobal(place), QPoint(), QPoint(0, round(120 * notches))),
        *(Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False),
    )
    QApplication.sendEvent(canvas, event)


def drag(dock, right: int, down: int) -> None:
    """Drag with the right button."""
    canvas = dock.corners.parentWidget()
    start = QPointF(canvas.width() / 2, canvas.height() / 2)
    button, none = Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
    for kind, place, changed, held in (
        (QEvent.Type.MouseButtonPress, start, button, button),
        (QEvent.Type.MouseMove, start + QPointF(right, down), none, button),
        (QEvent.Type.MouseButtonRelease, start + QPointF(right, down), button, none),
    ):
        event = QMouseEvent(kind, place, canvas.mapToGlobal(place), changed, held, NO)
        QApplication.sendEvent(canvas, event)


def test_the_wheel_steps_through_slices_unless_m_gives_it_back(window, qtbot):
    viewer, dock = window
    viewer.dims.set_point(0, -150.0)
    zoom = viewer.scene.camera.zoom
    wheel(dock, -1)
    assert viewer.dims.point[0] == pytest.approx(-152.5)
    wheel(dock, 3)
    assert viewer.dims.point[0] == pytest.approx(-145.0)
    wheel(dock, 0.5)
    wheel(dock, 0.5)
    assert viewer.dims.point[0] == pytest.approx(-142.5)
    wheel(dock, 100)
    assert viewer.dims.point[0] == pytest.approx(-102.5)
    assert viewer.scene.camera.zoom == zoom
    press(dock, Qt.Key.Key_M, SHIFT)  # gives the mouse back to napari
    wheel(dock, -1)
    assert viewer.dims.point[0] == pytest.approx(-102.5)
    qtbot.waitUntil(lambda: viewer.scene.camera.zoom < zoom)  # with the next redraw
    press(dock, Qt.Key.Key_M, SHIFT)
    wheel(dock, -1)
    assert viewer.dims.point[0] == pytest.approx(-105.0)


def test_ctrl_and_wheel_zoom_about_the_cursor(window):
    viewer, dock = window
    canvas = dock.corners.parentWidget()
    camera, point = viewer.scene.camera, viewer.dims.point[0]

    def under(across: float, down: float) -> np.ndarray:
        away = np.array([(down - 0.5) * canvas.height(), (across - 0.5) * canvas.width()])
        return np.asarray(camera.center[-2:]) + away / camera.zoom

    before, zoom = under(0.7, 0.3), camera.zoom
    wheel(dock, 2, CTRL, (0.7, 0.3))
    assert camera.zoom == pytest.approx(zoom * 1.15**2)
    np.testing.assert_allclose(under(0.7, 0.3), before, atol=0.05)
    assert viewer.dims.point[0] == point
    planes.show(viewer, "3-D")  # where the wheel is napari's
    point = viewer.dims.point
    wheel(dock, 1)
    assert viewer.dims.point == point


def test_a_fine_screen_changes_no_length(window, monkeypatch):
    """napari's zoom counts Qt's pixels, not the screen's own."""
    viewer, dock = window
    before = dock.corners._scale()
    assert before[0] == pytest.approx(float(before[1].split()[0]) * viewer.scene.camera.zoom)
    monkeypatch.setattr(type(dock.corners), "devicePixelRatioF", lambda _self: 2.0)
    assert dock.corners._scale() == before


def test_a_right_drag_and_keys_change_the_window_and_the_texts_follow(window, qtbot):
    viewer, dock = window
    layer, zoom = dock.reviewed.layer, viewer.scene.camera.zoom
    drag(dock, 60, 0)
    low, high = layer.contrast_limits
    assert (low + high) / 2 == pytest.approx(-600)
    assert high - low == pytest.approx(1500 * 1.4)
    drag(dock, 0, -30)
    low, high = layer.contrast_limits
    assert (low + high) / 2 == pytest.approx(-600 + 2100 * 0.1)
    qtbot.waitUntil(lambda: "window −390 / 2100 HU" in dock.corners.texts["where"])
    assert viewer.scene.camera.zoom == zoom
    assert dock.show_section.window_preset.currentText() == "Custom"
    for key, limits in (
        (Qt.Key.Key_2, (-160, 240)),
        (Qt.Key.Key_3, (-500, 1300)),
        (Qt.Key.Key_1, (-1350, 150)),
        (Qt.Key.Key_4, (-850, 40)),
        (Qt.Key.Key_6, (-1350, 150)),
    ):
        press(dock, key)
        assert tuple(layer.contrast_limits) == limits


def test_the_texts_say_where_one_is_and_which_side_is_which(window, qtbot):
    viewer, dock = window
    viewer.dims.set_point(0, -150.0)
    qtbot.waitUntil(lambda: dock.corners.texts["where"].startswith("slice 21 of 40 · z −150.0 mm"))
    sides = {edge: dock.corners.texts[edge] for edge in ("top", "bottom", "left", "right")}
    assert sides == {"top": "A", "bottom": "P", "left": "R", "right": "L"}
    planes.show(viewer, "coronal")
    qtbot.waitUntil(lambda: dock.corners.texts["top"] == "H")
    assert dock.corners.texts["left"] == "R"
    planes.show(viewer, "sagittal")
    qtbot.waitUntil(lambda: dock.corners.texts["left"] == "A")
    viewer.dims.order = (0, 2, 1)  # napari's transpose
    qtbot.waitUntil(lambda: dock.corners.texts["top"] == "R")
    assert dock.corners.texts["left"] == "A"
    planes.show(viewer, "3-D")
    qtbot.waitUntil(lambda: dock.corners.texts["top"] == "")
    planes.show(viewer, "axial")
    viewer.mouse_over_canvas = False
    viewer.cursor.position = (-150.0, 41.0, 0.0)  # as napari does when slices change
    dock.corners._show_cursor()
    assert not dock.corners.texts["cursor"], "the mouse is elsewhere"
    viewer.mouse_over_canvas = True
    viewer.cursor.position = (-150.0, 40.0, 0.0)
    qtbot.waitUntil(lambda: dock.corners.texts["cursor"] == "x 0.0  y 40.0  z −150.0 mm\n−850 HU")
