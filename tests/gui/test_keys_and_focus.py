"""Keys that give way to napari's own, a focus that can be seen, layers that come back, and windows that fit a small screen."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from qtpy.QtCore import QRect, Qt
from qtpy.QtGui import QColor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QComboBox, QTableView, QWidget

from napari_lungmtl import app
from napari_lungmtl.layers import planes
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.widgets.theme import palette
from napari_lungmtl.shortcuts import HELP, RADIOGRAPH_HELP, VOLUME_HELP
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Sphere

from ..stand_ins.dock_input import press
from ..stand_ins.reviewed_radiographs import by_both, radiograph


def test_review_keys_give_way_on_layers_that_a_person_added_and_say_so_where_they_hold(after_run):
    viewer, dock = after_run
    session, canvas = dock.reviewed.session, dock.corners.parentWidget()
    press(dock, Qt.Key.Key_N)
    for own, mode in ((viewer.add_shapes(ndim=3), "add_polygon"), (viewer.add_points(ndim=3), "add")):
        viewer.layers.selection.active = own
        canvas.setFocus()
        for key in (Qt.Key.Key_R, Qt.Key.Key_A, Qt.Key.Key_P):
            QTest.keyClick(canvas, key)
        assert session.findings["f1"].status == "unreviewed"
        assert (session.selected, str(own.mode)) == ("f1", mode)
        assert viewer.help != HELP
    viewer.layers.selection.active = layer = dock.reviewed.binding.layer
    layer.mode = "add"
    assert viewer.help == HELP
    image = viewer.layers.selection.active = dock.reviewed.layer
    for mode in ("transform", "pan_zoom"):  # napari promises them by 2 and 1, which choose windows
        image.mode = mode
        assert viewer.help == VOLUME_HELP
    viewer.layers.selection.active = viewer.add_image(np.zeros((8, 8)))
    assert viewer.help == RADIOGRAPH_HELP  # which has no other views
    viewer.layers.selection.active = layer
    session.select("f1")
    press(dock, Qt.Key.Key_A)
    assert session.findings["f1"].status == "accepted"


def test_keys_run_the_networks_and_choose_the_plane(window, qtbot):
    viewer, dock = window
    keys = {"coronal": Qt.Key.Key_8, "sagittal": Qt.Key.Key_9, "3-D": Qt.Key.Key_0, "axial": Qt.Key.Key_7}
    for plane, key in keys.items():
        press(dock, key)
        assert planes.current(viewer) == plane
        assert dock.show_section.planes.checkedButton().text() == plane
    with qtbot.waitSignal(dock.run.finished):
        press(dock, Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier)
    assert len(dock.reviewed.session.findings) == 5
    add_image_layer(viewer, radiograph())
    before = tuple(viewer.dims.order), viewer.dims.ndisplay
    for key in keys.values():
        press(dock, key)
        assert (tuple(viewer.dims.order), viewer.dims.ndisplay) == before


def reachable(dock) -> list[QWidget]:
    """What Tab stops at in the dock."""
    kinds = (QAbstractButton, QAbstractSlider, QComboBox, QTableView)
    widgets = [w for kind in kinds for w in dock.findChildren(kind) if w.isVisible() and w.isEnabled()]
    return [w for w in widgets if w.focusPolicy() & Qt.FocusPolicy.TabFocus]


def pixels(widget: QWidget, theme: str) -> np.ndarray:
    """Grey levels along the top and the middle of a widget, on the theme's ground where it is transparent."""
    shot, ground = widget.grab().toImage(), QColor(palette(theme).background).lightness()
    rows = [[shot.pixelColor(x, y) for x in range(shot.width())] for y in (0, shot.height() // 2)]
    return np.array([[c.lightness() if c.alpha() else ground for c in row] for row in rows], int)


def shows_focus(widget: QWidget, theme: str, dock) -> bool:
    """Whether the focus changes what a widget looks like; a window that has just got its theme may not be the active one yet."""
    dock.window().activateWindow()
    dock.footer.setFocus()
    without = pixels(widget, theme)
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    return bool(np.abs(pixels(widget, theme) - without).max() > 60)


def test_the_focus_can_be_seen_on_everything_that_tab_reaches(after_run, qtbot):
    viewer, dock = after_run
    kinds = {type(widget): widget for widget in reachable(dock)}
    assert dock.findings.export in reachable(dock)
    assert len(kinds) >= 5
    for theme in ("dark", "light"):
        viewer.theme = theme
        QApplication.processEvents()
        for widget in kinds.values():
            qtbot.waitUntil(partial(shows_focus, widget, theme, dock))  # says which it is


def test_one_h_brings_deleted_spheres_back_below_the_truth(after_run, image):
    viewer, dock = after_run
    mark = Finding(Sphere((-150.0, 40.0, 0.0), 9.0), id="t")
    app.show_truth(viewer, dock, Findings((mark,), ImageReference.of(image)))
    before = [layer.name for layer in viewer.layers]
    viewer.layers.remove(dock.reviewed.binding.layer)
    press(dock, Qt.Key.Key_H)
    assert dock.reviewed.binding.layer.visible
    assert [layer.name for layer in viewer.layers] == before
    press(dock, Qt.Key.Key_H)
    assert not dock.reviewed.binding.layer.visible


def test_one_h_brings_deleted_boxes_and_masks_back_in_order(window, qtbot):
    viewer, dock = window
    viewer.layers.clear()
    film = radiograph()
    add_image_layer(viewer, film)
    dock.reviewed.session.replace_findings(by_both(film))
    drawings = dock.reviewed.radiograph
    assert len(dock.marks.scene.captions) == 3
    before = [layer.name for layer in viewer.layers]
    for binding in (drawings.boxes, drawings.masks):
        viewer.layers.remove(binding.layer)
    assert not dock.marks.scene.captions
    press(dock, Qt.Key.Key_H)
    assert len(dock.marks.scene.captions) == 3
    assert [layer.name for layer in viewer.layers] == before
    assert all(layer.visible for layer in drawings.layers)


def test_the_zoom_is_kept_through_3d_and_another_plane(window):
    viewer, _ = window
    camera = viewer.scene.camera
    camera.zoom, camera.center = 30.0, (0.0, 40.0, 5.0)
    planes.show(viewer, "3-D")
    planes.show(viewer, "axial")
    assert camera.zoom == 30.0
    np.testing.assert_allclose(camera.center[-2:], (40.0, 5.0))
    planes.show(viewer, "coronal")
    assert camera.zoom == 30.0
    np.testing.assert_allclose(camera.center[-2:], (viewer.dims.point[0], 5.0), atol=1.3)


@pytest.mark.parametrize(
    ("screen", "size"), [((1280, 800), (1280, 760)), ((1920, 1080), app.SIZE), ((1440, 900), (1440, 860))]
)
def test_the_window_opens_no_larger_than_the_screen(monkeypatch, screen, size):
    class Screen:
        def availableGeometry(self) -> QRect:
            return QRect(0, 0, *screen)

    monkeypatch.setattr(app.QGuiApplication, "primaryScreen", lambda: Screen())
    assert app._fitting(app.SIZE) == size


def test_everything_fits_into_the_smallest_window(after_run):
    _, dock = after_run
    press(dock, Qt.Key.Key_N)
    QApplication.processEvents()
    least = dock.window().minimumSizeHint()
    assert (least.width(), least.height()) <= (1280, 760)
    assert least.height() <= 760
