"""Rings, captions and the table of attributes in a real window: what is seen, keys and boxes that switch, a mouse that edits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QImage
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.app import show_truth
from napari_lungmtl.canvas.frame import Frame
from napari_lungmtl.layers import planes
from napari_lungmtl.layers.rectangle import overlap
from napari_lungmtl.layers.spheres.discs import STAND_OFF
from napari_lungmtl.panel.preferences import Preferences
from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Findings, ImageReference, Provenance, Sphere

from ..stand_ins.dock_input import press, rest

SHIFT = Qt.KeyboardModifier.ShiftModifier
VALUES = dict(zip(ATTRIBUTES, (4.8, 1.0, 6.0, 3.6, 3.1, 2.7, 4.1, 4.7), strict=True))
Z = -120.0


@pytest.fixture
def findings(image) -> Findings:
    """Six nodules of a slice, some of them close to each other, and one of another slice."""
    places = [(40, -5, 9), (43, 6, 3), (34, 5, 3), (50, -12, 4), (36, -18, 3), (20, 0, 5)]
    items = [
        Finding(
            Sphere((Z, float(y), float(x)), float(d)),
            score=0.95 - 0.05 * n,
            malignancy=None if n == 3 else 0.9 - 0.15 * n,
            attributes=VALUES if n < 2 else {},
            provenance=Provenance("fake", "1.0"),
            id=f"f{n}",
        )
        for n, (y, x, d) in enumerate(places)
    ]
    away = items[0].with_(id="away", geometry=Sphere((Z - 40, 40.0, -5.0), 9.0), score=0.6)
    return Findings((*items, away), models=({"name": "fake", "version": "1.0"},))


@pytest.fixture
def marked(window, findings, qtbot):
    """Viewer and dock with the findings, the slice of the six in sight, nothing selected."""
    viewer, dock = window
    dock.reviewed.session.replace_findings(findings)
    viewer.window.resize(1280, 800)
    QApplication.processEvents()
    viewer.scene.camera.zoom = 12.0
    planes.go_to(viewer, findings["f0"].center)
    viewer.dims.set_point(0, Z)
    QApplication.processEvents()
    return viewer, dock


def view_of(viewer, dock) -> Frame:
    canvas = dock.marks.parentWidget()
    return Frame.of_canvas(viewer, (canvas.height(), canvas.width()))


def place_of(viewer, dock, center) -> QPoint:
    column, row = view_of(viewer, dock).to_screen(center)
    return QPoint(round(column), round(row))


def canvas_picture(viewer) -> np.ndarray:
    """The canvas without what Qt paints over it."""
    QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


def painted(dock) -> np.ndarray:
    """What Qt paints over the canvas for the marks, RGBA (rows, columns, 4)."""
    picture = QImage(dock.marks.size(), QImage.Format.Format_RGBA8888)
    picture.fill(Qt.GlobalColor.transparent)
    dock.marks.render(picture, flags=dock.marks.RenderFlag(0))
    bits = picture.constBits()
    bits.setsize(picture.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(picture.height(), picture.bytesPerLine())
    return rows[:, : 4 * picture.width()].reshape(picture.height(), -1, 4).astype(int)


def distances(viewer, dock, picture, center) -> np.ndarray:
    """Millimetres of each pixel of a picture of the canvas to a place."""
    view = view_of(viewer, dock)
    column, row = view.to_screen(center)
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.hypot(y + 0.5 - row, x + 0.5 - column) * view.mm


def test_the_nodule_is_seen_and_its_ring_stands_off(marked):
    viewer, dock = marked
    with_rings = canvas_picture(viewer)
    press(dock, Qt.Key.Key_H)
    without = canvas_picture(viewer)
    press(dock, Qt.Key.Key_H)
    changed = np.abs(with_rings - without).max(axis=2)
    for id, diameter in (("f0", 9.0), ("f1", 3.0)):
        finding = dock.reviewed.session.findings[id]
        away = distances(viewer, dock, changed, finding.center)
        radius = finding.diameter / 2
        assert changed[away < radius + 2.0].max() <= 2, "nothing lies over the nodule and its edge"
        ring = changed[np.abs(away - radius - STAND_OFF) < 0.05]
        assert len(ring) > 30
        assert np.median(ring) > 60
        assert finding.diameter == diameter


def test_shift_f_fills_and_the_box_in_the_dock_follows(marked):
    viewer, dock = marked
    center = dock.reviewed.session.findings["f0"].center
    box = dock.show_section.marks.boxes["fill"]
    free = canvas_picture(viewer)
    inside = distances(viewer, dock, free, center) < 3
    assert not box.isChecked()
    press(dock, Qt.Key.Key_F, SHIFT)
    assert box.isChecked()
    assert np.abs(canvas_picture(viewer) - free)[inside].max() > 20
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert not box.isChecked()
    assert np.abs(canvas_picture(viewer) - free)[inside].max() <= 2


def test_captions_are_of_this_slice_legible_apart_and_off_the_nodules(marked):
    viewer, dock = marked
    session = dock.reviewed.session
    scene = dock.marks.scene
    assert {c.mark.finding.id for c in scene.captions} == {f"f{n}" for n in range(6)}
    [text] = [c.mark.text for c in scene.captions if c.mark.finding.id == "f1"]
    assert text == f"{session.findings['f1'].number} · 3.0 mm · 0.90 · M .75"
    rectangles = [c.place.rectangle for c in scene.captions]
    assert not any(overlap(a, b) for a, b in itertools.combinations(rectangles, 2))
    for rectangle, mark in itertools.product(rectangles, scene.marks):
        assert not overlap(rectangle, mark.shape.rectangle)
    for rectangle, corner in itertools.product(rectangles, dock.corners.rectangles()):
        assert not overlap(rectangle, corner)
    picture = painted(dock)
    for top, left, bottom, right in rectangles:
        part = picture[round(top) + 1 : round(bottom) - 1, round(left) + 6 : round(right) - 1]
        assert (part[..., 3] > 190).mean() > 0.95, "a ground"
        assert (part[..., :3].min(axis=2) > 180).sum() > 40, "letters"
    viewer.dims.set_point(0, Z - 40)
    assert [c.mark.finding.id for c in dock.marks.scene.captions] == ["away"]
    planes.show(viewer, "3-D")
    assert not dock.marks.scene.captions
    assert painted(dock)[..., 3].max() == 0


def test_the_table_covers_no_mark_and_has_a_key_and_a_box_that_are_remembered(marked):
    _, dock = marked
    press(dock, Qt.Key.Key_N)
    session = dock.reviewed.session
    assert session.selected == "f0"
    scene = dock.marks.scene
    assert scene.table.title == f"Nodule {session.findings['f0'].number}"
    for mark in scene.marks:
        assert not overlap(scene.table.rectangle, mark.shape.rectangle)
    top, left, bottom, right = (round(edge) for edge in scene.table.rectangle)
    blue = painted(dock)[top:bottom, left:right]
    assert ((blue[..., 2] > blue[..., 0] + 60) & (blue[..., 3] > 250)).sum() > 2000, "bars"
    box = dock.show_section.marks.boxes["attributes"]
    assert box.isChecked()
    press(dock, Qt.Key.Key_B, SHIFT)
    assert dock.marks.scene.table is None
    assert not box.isChecked()
    assert not Preferences()["attributes"], "as the next window will read it"
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    assert dock.marks.scene.table is not None
    assert Preferences()["attributes"]


def test_nodules_and_truth_are_seen_inside_the_volume_in_3d(marked, image):
    viewer, dock = marked
    missed = Finding(Sphere((Z + 30, 30.0, 8.0), 8.0), id="t")
    show_truth(viewer, dock, Findings((missed,), ImageReference.of(image)))
    planes.show(viewer, "3-D")
    assert dock.reviewed.layer.rendering == "average"
    for layer in (dock.reviewed.binding.layer, viewer.layers["truth"]):
        shown = canvas_picture(viewer)
        layer.visible = False
        assert (np.abs(shown - canvas_picture(viewer)).max(axis=2) > 20).sum() > 100, layer.name
        layer.visible = True
    planes.show(viewer, "axial")


def test_nothing_covers_the_truth_either(marked, image):
    viewer, dock = marked
    press(dock, Qt.Key.Key_N)
    corner = dock.marks.scene.table.rectangle
    view = view_of(viewer, dock)
    middle = np.array(corner).reshape(2, 2).mean(axis=0) - np.array(view.size) / 2
    y, x = middle * view.signs * view.mm + view.center
    missed = Finding(Sphere((Z, float(y), float(x)), 4.0), id="t")
    show_truth(viewer, dock, Findings((missed,), ImageReference.of(image)))
    dock.marks.later()
    column, row = view.to_screen(missed.center)
    assert not overlap(dock.marks.scene.table.rectangle, (row - 24, column - 24, row + 24, column + 24))


def test_the_mouse_moves_the_sphere_itself_and_ring_and_caption_come_along(marked, qtbot):
    viewer, dock = marked
    session, layer = dock.reviewed.session, dock.reviewed.binding.layer
    before = session.findings["f5"]
    session.select("f5")  # which moves the view
    viewer.layers.selection.active = layer
    layer.mode = "select"
    canvas, start = dock.marks.parentWidget(), place_of(viewer, dock, before.center)
    end = start + QPoint(36, 24)
    button = Qt.MouseButton.LeftButton
    QTest.mouseMove(canvas, start)
    QTest.mousePress(canvas, button, pos=start)
    for step in (0.3, 0.6, 1.0):
        QTest.mouseMove(canvas, start + (end - start) * step)
        rest(30)
    [mark] = [m for m in dock.marks.scene.marks if m.finding.id == "f5"]
    top, left, bottom, right = mark.shape.rectangle
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((end.x(), end.y()), abs=2)
    assert session.findings["f5"] == before, "the drag has not ended"
    QTest.mouseRelease(canvas, button, pos=end)
    moved = session.findings["f5"]
    assert moved.diameter == before.diameter
    np.testing.assert_allclose(np.subtract(moved.center, before.center), (0, 2, 3), atol=0.15)
    press(dock, Qt.Key.Key_BracketRight)
    assert session.findings["f5"].diameter == before.diameter + 1
    qtbot.waitUntil(lambda: (layer.size * layer.scale[-1]).max() >= 6 - 1e-3)
    radius = max(dock.reviewed.rings.layer.size) * layer.scale[-1] / 2
    assert radius == pytest.approx(4.5 + STAND_OFF)
    layer.mode = "pan_zoom"


def test_a_click_sets_a_sphere_as_large_as_it_says(marked):
    viewer, dock = marked
    session, layer = dock.reviewed.session, dock.reviewed.binding.layer
    viewer.layers.selection.active = layer
    layer.mode = "add"
    canvas, place = dock.marks.parentWidget(), place_of(viewer, dock, (Z, 30.0, -5.0))
    QTest.mouseMove(canvas, place)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    new = session.findings[-1]
    np.testing.assert_allclose(new.center[1:], (30.0, -5.0), atol=0.1)
    assert new.diameter == 8.0
    [said] = [c.mark.text for c in dock.marks.scene.captions if c.mark.finding.id == new.id]
    assert "8.0 mm · by hand" in said
    layer.mode = "pan_zoom"


def test_deleting_layers_takes_their_marks_along_and_crashes_nothing(marked):
    viewer, dock = marked
    for name in ("rings", "nodules"):
        viewer.layers.remove(viewer.layers[name])
        canvas_picture(viewer)
    assert not dock.marks.scene.captions
    press(dock, Qt.Key.Key_H)
    canvas_picture(viewer)
    assert len(dock.marks.scene.captions) == 6
    assert [layer.name for layer in viewer.layers][1:] == ["nodules", "rings"]
    viewer.layers.remove(dock.reviewed.layer)
    assert not dock.marks.scene.captions
    assert len(viewer.layers) == 0
    canvas_picture(viewer)
