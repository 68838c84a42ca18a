"""Measuring on the slices of a CT with real mouse and keys: drawn, seen, moved, deleted, undone, kept."""

from __future__ import annotations

import csv
from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QImage, QRegion
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_lungmtl.canvas.marks.layout import crosses
from napari_lungmtl.layers import planes
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.layers.rectangle import overlap
from napari_lungmtl.training.findings import ATTRIBUTES, Finding, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.slab import Slab

from ..stand_ins.ball_in_lung import MIDDLE, RADIUS, mouse_at_ball, with_ball
from ..stand_ins.canvas_mouse import CanvasMouse
from ..stand_ins.dock_input import press

CTRL = Qt.KeyboardModifier.ControlModifier
KEY = Qt.Key
Z = MIDDLE[0]
VALUES = dict(zip(ATTRIBUTES, (4.8, 1.0, 5.9, 3.6, 1.0, 2.7, 4.1, 5.0), strict=True))


@pytest.fixture
def image(image) -> Image:
    """The small CT (2.5 × 1 × 1 mm, away from the origin) with a ball of soft tissue in its lung."""
    return with_ball(image, "measured")


@pytest.fixture
def mouse(window):
    """A mouse over the canvas, on the slice through the ball."""
    return mouse_at_ball(*window)


def measured(dock):
    return dock.reviewed.session.findings.measurements


def painted(dock) -> np.ndarray:
    """RGB (h, w, 3) of what is painted over the canvas, without what lies under it."""
    overlay = dock.measure.hand.overlay
    picture = QImage(overlay.size(), QImage.Format.Format_RGBA8888)
    picture.fill(Qt.GlobalColor.transparent)
    overlay.render(picture, QPoint(), QRegion(), QWidget.RenderFlag.IgnoreMask)  # not its background
    bits = picture.constBits()
    bits.setsize(picture.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(picture.height(), -1, 4)[:, : picture.width()].copy()


def test_a_line_is_dragged_seen_on_its_slice_moved_undone_and_deleted(window, mouse, qtbot):
    viewer, dock = window
    center = viewer.scene.camera.center
    press(dock, KEY.Key_L)
    assert dock.measure.buttons["line"].isChecked()
    start, end = mouse.drag((Z, 20.0, -20.0), (Z, 50.0, 15.0))
    (line,) = measured(dock)
    assert line.values["length"] == pytest.approx(np.hypot(*np.subtract(start, end)[1:]))
    assert line.values["length"] == pytest.approx(46.1, abs=0.5)
    assert (line.axis, line.position) == (0, Z)
    assert viewer.scene.camera.center == center  # the drag was not napari's
    assert not dock.measure.buttons["line"].isChecked()
    assert len(dock.reviewed.session.findings) == 0
    qtbot.waitUntil(lambda: bool(dock.measure.hand.overlay.labels))
    (drawn,) = dock.measure.hand.overlay.drawn
    assert drawn[2] == (f"{line.values['length']:.1f} mm",)
    middle = mouse.at(np.mean(line.points, axis=0))
    assert painted(dock)[middle.y() - 2 : middle.y() + 3, middle.x(), 3].max() > 200
    viewer.dims.set_point(0, Z + 2.5)
    qtbot.waitUntil(lambda: not dock.measure.hand.overlay.drawn)
    assert not painted(dock)[..., 3].any()
    viewer.dims.set_point(0, Z)
    qtbot.waitUntil(lambda: bool(dock.measure.hand.overlay.drawn))
    _, to = mouse.drag(line.points[1], (Z, 20.0, 15.0))
    (moved,) = measured(dock)
    np.testing.assert_allclose(moved.points[1], to)
    np.testing.assert_allclose(moved.points[0], line.points[0])
    assert moved.values["length"] == pytest.approx(35, abs=0.5)
    press(dock, KEY.Key_Z, CTRL)
    assert measured(dock) == (line,)
    mouse.drag(np.mean(line.points, axis=0), np.mean(line.points, axis=0) + (0, 5, -5))  # the whole
    (shifted,) = measured(dock)
    assert shifted.values == pytest.approx(line.values)
    assert shifted.points[0][1] > line.points[0][1] + 4
    press(dock, KEY.Key_Delete)
    assert measured(dock) == ()
    press(dock, KEY.Key_Z, CTRL)
    assert measured(dock) == (shifted,)


def test_regions_read_the_values_under_them_and_clicks_do_as_well_as_drags(window, mouse):
    _, dock = window
    press(dock, KEY.Key_E)
    mouse.drag((Z, 36.0, -4.0), (Z, 44.0, 4.0))
    press(dock, KEY.Key_B)
    mouse.click((Z, 22.0, -18.0))
    assert dock.measure.hand.tool == "rectangle"  # waits for the other corner
    mouse.click((Z, 27.0, -8.0))
    ellipse, rectangle = measured(dock)
    assert (ellipse.values["mean"], ellipse.values["std"]) == (40, 0)
    assert ellipse.values["area"] == pytest.approx(np.pi * 16, rel=0.1)
    assert (rectangle.values["min"], rectangle.values["max"]) == (-850, -850)
    corner = (Z, rectangle.points[0][1], rectangle.points[1][2])  # one that is not kept
    mouse.drag(corner, (Z, 15.0, 0.0))
    wider = measured(dock)[1]
    assert wider.points[1][1] == rectangle.points[1][1]
    assert wider.values["area"] > 2 * rectangle.values["area"]


def test_an_angle_takes_three_places(window, mouse):
    _, dock = window
    press(dock, KEY.Key_V)
    mouse.drag((Z, 20.0, 10.0), (Z, 40.0, 10.0))
    assert measured(dock) == ()
    mouse.click((Z, 40.0, -15.0))
    (angle,) = measured(dock)
    assert angle.values["angle"] == pytest.approx(90, abs=1.5)


def test_escape_puts_the_tool_away_and_a_shape_is_not_carried_to_another_slice(window, mouse):
    viewer, dock = window
    press(dock, KEY.Key_L)
    mouse.click((Z, 20.0, -20.0))
    press(dock, KEY.Key_Escape)
    assert dock.measure.hand.tool is None
    press(dock, KEY.Key_L)
    mouse.click((Z, 20.0, -20.0))
    viewer.dims.set_point(0, Z + 5.0)
    mouse.click((Z + 5.0, 30.0, -10.0))
    assert measured(dock) == ()
    mouse.click((Z + 5.0, 30.0, 10.0))
    assert measured(dock)[0].position == Z + 5.0


def test_lines_in_coronal_and_sagittal_slices_are_in_true_millimetres(window, mouse, qtbot):
    """Slices lie 2.5 mm apart: a line along z over 20 mm is 8 voxels long."""
    _, dock = window
    for plane, axis, other in (("coronal", 1, 2), ("sagittal", 2, 1)):
        _line_in_a_plane(window, mouse, qtbot, plane, axis, other)
        dock.reviewed.session.measure(())


def _line_in_a_plane(window, mouse, qtbot, plane: str, axis: int, other: int) -> None:
    viewer, dock = window
    planes.show(viewer, plane)
    viewer.dims.set_point(axis, MIDDLE[axis])
    start, end = list(MIDDLE), list(MIDDLE)
    start[0], end[0], end[other] = -170.0, -150.0, MIDDLE[other] + 15.0
    press(dock, KEY.Key_L)
    mouse.drag(start, end)
    (line,) = measured(dock)
    assert line.axis == axis
    assert line.values["length"] == pytest.approx(25.0, abs=0.8)
    planes.show(viewer, "axial")
    qtbot.waitUntil(lambda: not dock.measure.hand.overlay.drawn)
    QTest.mouseClick(
        *(dock.measure.table.viewport(), Qt.MouseButton.LeftButton),
        pos=dock.measure.table.visualItemRect(dock.measure.table.item(0, 1)).center(),
    )
    assert planes.current(viewer) == plane  # the list leads back to it


def test_the_selected_nodule_is_measured_to_its_edge(window, mouse, qtbot):
    viewer, dock = window
    session = dock.reviewed.session
    session.add(Finding(Sphere(np.add(MIDDLE, (1.0, 1.5, -1.0)), 11.0), id="ball"))
    press(dock, KEY.Key_D)
    qtbot.waitUntil(lambda: bool(measured(dock)))
    (axes,) = measured(dock)
    assert axes.finding == "ball"
    assert axes.values["long"] == pytest.approx(2 * RADIUS, abs=0.7)
    assert axes.values["short"] == pytest.approx(2 * RADIUS, abs=0.7)
    assert axes.values["volume"] == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.1)
    assert viewer.dims.point[0] == axes.position
    assert (
        dock.measure.table.item(0, 2).text() == f"{axes.values['long']:.1f} × {axes.values['short']:.1f} mm"
    )
    assert "mm³" in dock.measure.words.text()
    assert len(session.findings) == 1
    session.change("ball", geometry=Sphere(np.add(MIDDLE, (0, 14.0, 14.0)), 4.0))  # in the air
    press(dock, KEY.Key_D)
    qtbot.waitUntil(lambda: "too alike" in dock.measure.words.text())
    (left,) = measured(dock)
    assert (left.points, left.finding) == (axes.points, "")


def test_a_nodule_that_is_moved_away_leaves_its_axes_and_says_so(window, mouse, qtbot):
    _, dock = window
    session = dock.reviewed.session
    session.add(Finding(Sphere(MIDDLE, 11.0), id="ball"))
    press(dock, KEY.Key_D)
    qtbot.waitUntil(lambda: bool(measured(dock)))
    (axes,) = measured(dock)
    for section in (dock.history, dock.card):
        section.set_open(True)
    session.change("ball", geometry=Sphere(np.add(MIDDLE, (0, 14.0, 14.0)), 4.0))
    assert "counts for no nodule" in dock.measure.words.text()
    assert "counts for no nodule" in dock.measure.table.item(0, 2).toolTip()
    assert "moved off its measured axes" in dock.card.review.author.text()
    assert "moved 1, off its axes" in [row.what for row in dock.history.table.history.rows]
    press(dock, KEY.Key_Z, CTRL)
    assert measured(dock) == (axes,)
    assert "counts for no nodule" not in dock.measure.words.text()


def test_without_a_nodule_the_axes_are_drawn_by_hand_and_stay_perpendicular(window, mouse):
    _, dock = window
    press(dock, KEY.Key_D)
    mouse.drag((Z, 30.0, -10.0), (Z, 30.0, 10.0))
    (axes,) = measured(dock)
    assert axes.values["short"] == pytest.approx(axes.values["long"] / 2)
    mouse.drag(axes.points[1], (Z, 45.0, 10.0))
    a, b, c, d = np.asarray(measured(dock)[0].points)
    assert (b - a) @ (d - c) == pytest.approx(0, abs=1e-6)
    assert measured(dock)[0].values["long"] == pytest.approx(25, abs=0.6)


def test_overlays_that_are_hidden_hide_them_and_other_images_have_their_own(window, mouse, image, qtbot):
    viewer, dock = window
    press(dock, KEY.Key_L)
    mouse.drag((Z, 20.0, -20.0), (Z, 50.0, 15.0))
    (line,) = measured(dock)
    qtbot.waitUntil(lambda: bool(dock.measure.hand.overlay.drawn))
    press(dock, KEY.Key_H)
    qtbot.waitUntil(lambda: not dock.measure.hand.overlay.drawn)
    assert not painted(dock)[..., 3].any()
    press(dock, KEY.Key_H)
    planes.show(viewer, "3-D")
    qtbot.waitUntil(lambda: not dock.measure.hand.overlay.drawn)
    press(dock, KEY.Key_L)
    assert dock.measure.hand.tool is None  # nothing can be measured there
    planes.show(viewer, "axial")
    other = Image(image.voxels + np.int16(1), "CT", image.spacing, image.origin, series_uid="other")
    add_image_layer(viewer, other)
    assert measured(dock) == ()
    assert dock.measure.table.rowCount() == 0
    qtbot.waitUntil(lambda: not dock.measure.hand.overlay.drawn)
    press(dock, KEY.Key_N, Qt.KeyboardModifier.ShiftModifier)
    assert measured(dock) == (line,)


def test_they_are_kept_and_exported(window, mouse, tmp_path, monkeypatch):
    _, dock = window
    press(dock, KEY.Key_L)
    mouse.drag((Z, 20.0, -20.0), (Z, 50.0, 15.0))
    session = dock.reviewed.session
    session.save()
    assert read_findings(session.sidecar).measurements == measured(dock)
    for name in ("mine.csv", "mine.lungmtl.json"):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, name=name: (str(tmp_path / name), ""))
        QTest.mouseClick(dock.measure.export, Qt.MouseButton.LeftButton)
    (row,) = csv.DictReader((tmp_path / "mine.csv").open())
    assert float(row["length"]) == measured(dock)[0].values["length"]
    assert read_findings(tmp_path / "mine.lungmtl.json").measurements == measured(dock)


def test_captions_and_the_table_of_attributes_keep_off_what_is_measured(window, mouse, qtbot):
    _viewer, dock = window
    session = dock.reviewed.session
    session.edit(add=[Finding(Sphere(MIDDLE, 2 * RADIUS), attributes=VALUES, id="ball")])
    session.select("ball")
    qtbot.waitUntil(lambda: dock.marks.scene.table is not None)
    press(dock, KEY.Key_D)
    qtbot.waitUntil(lambda: bool(dock.measure.hand.overlay.labels))
    scene = dock.marks.scene
    assert scene.table is not None
    assert scene.captions
    for label in dock.measure.hand.overlay.labels.values():
        text = (label.top(), label.left(), label.bottom(), label.right())
        assert not overlap(scene.table.rectangle, text)
        assert not any(overlap(caption.place.rectangle, text) for caption in scene.captions)
    caption = scene.captions[0].place.rectangle
    middle = mouse.world(QPoint(round((caption[1] + caption[3]) / 2), round((caption[0] + caption[2]) / 2)))
    press(dock, KEY.Key_V)  # an arm through it
    mouse.drag(np.add(middle, (0, 6.0, 9.0)), np.add(middle, (0, -6.0, -9.0)))
    mouse.click(np.add(middle, (0, 10.0, -12.0)))
    qtbot.waitUntil(lambda: all(c.place.rectangle != caption for c in dock.marks.scene.captions))
    ends = [mouse.at(point) for point in measured(dock)[-1].points]
    arms = [((a.y(), a.x()), (b.y(), b.x())) for a, b in pairwise(ends)]
    scene = dock.marks.scene  # the table has gone where there was no room for it
    texts = [c.place.rectangle for c in scene.captions] + [
        t.rectangle for t in (scene.table,) if t is not None
    ]
    assert texts
    assert not any(crosses(arm, text) for arm in arms for text in texts)


def test_on_a_slab_what_is_shown_is_measured_and_named(window, mouse, qtbot):
    viewer, dock = window
    above = Z - RADIUS - 5.0  # the slab of 10 mm reaches into the ball, this slice does not
    viewer.dims.set_point(0, above)
    press(dock, KEY.Key_E)
    mouse.drag((above, 38.0, -2.0), (above, 42.0, 2.0))
    press(dock, KEY.Key_S)
    press(dock, KEY.Key_Period)
    assert dock.views.slab == Slab("MIP", 15.0)
    try:
        press(dock, KEY.Key_E)
        mouse.drag((above, 28.0, -14.0), (above, 32.0, -10.0))
        press(dock, KEY.Key_E)
        mouse.drag((above, 35.5, -1.0), (above, 40.0, 4.5))
        slice_, beside, seen = measured(dock)
        assert (slice_.values["max"], slice_.slab.kind) == (-850, "")
        assert beside.slab == seen.slab == Slab("MIP", 15.0)
        assert seen.values["max"] > -300 > beside.values["min"]
        assert dock.measure.table.item(2, 2).text().startswith("mean of MIP ")
        assert "MIP 15 mm" in dock.measure.words.text()
        qtbot.waitUntil(lambda: len(dock.measure.hand.overlay.drawn) == 3)
        said = [text for _, _, text in dock.measure.hand.overlay.drawn]
        assert [text[-1] for text in said] == ["of one slice", "MIP 15 mm", "MIP 15 mm"]
        session = dock.reviewed.session
        session.add(Finding(Sphere(MIDDLE, 2 * RADIUS), attributes=VALUES, id="ball"))
        viewer.dims.set_point(0, above)
        qtbot.waitUntil(lambda: bool(dock.marks.scene.captions))
        (words,) = dock.views.canvas_slab.taken()
        scene = dock.marks.scene
        for shown in (*(c.place for c in scene.captions), *filter(None, (scene.table,))):
            assert not overlap(shown.rectangle, words)
        (ring,) = dock.marks.outlines()
        qtbot.waitUntil(
            lambda: (
                not any(
                    overlap((box.top(), box.left(), box.bottom(), box.right()), ring)
                    for box in dock.measure.hand.overlay.labels.values()
                )
            )
        )
        viewer.mouse_over_canvas = True
        viewer.cursor.position = (above, 40.0, 0.0)
        qtbot.waitUntil(lambda: "MIP " in dock.corners.texts.get("cursor", ""))
    finally:
        dock.views.show_slab(Slab())
    assert measured(dock)[2] == seen  # as it was measured, whatever is looked at


def test_a_study_is_closed_while_it_runs_with_all_views_on_and_comes_back_with_what_was_measured(
    window, image, predictor, qtbot
):
    """Linked views, a slab and a run on one study, another opened and left, the first one closed in the middle."""
    viewer, dock = window
    first = dock.reviewed.layer
    predictor.go_on.clear()
    press(dock, KEY.Key_G)
    press(dock, KEY.Key_S)
    try:
        dock.run.start()
        qtbot.waitUntil(lambda: bool(predictor.threads))
        mouse = CanvasMouse(dock)
        press(dock, KEY.Key_L)
        z = viewer.dims.point[0]
        mouse.drag((z, 20.0, -20.0), (z, 50.0, 15.0))
        (line,) = measured(dock)
        assert line.slab == Slab("MIP", 10.0)
        other = Image(image.voxels + np.int16(1), "CT", image.spacing, image.origin, series_uid="other")
        second = add_image_layer(viewer, other)
        assert (second.projection_mode, first.visible, measured(dock)) == ("max", False, ())
        press(dock, KEY.Key_N, Qt.KeyboardModifier.ShiftModifier)
        assert measured(dock) == (line,)
        viewer.layers.remove(first)
        qtbot.waitUntil(lambda: not dock.run.runner.running)
        assert predictor.closed.wait(60)
        assert dock.reviewed.layer is second
        assert dock.views.panes["coronal"].scene.image is dock.reviewed.session.image
        add_image_layer(viewer, image)
        assert measured(dock) == (line,)
        assert not len(dock.reviewed.session.findings)
        qtbot.waitUntil(
            lambda: len(dock.measure.hand.overlay.drawn) == (viewer.dims.point[0] == line.position)
        )
    finally:
        dock.views.link(False)
        dock.views.show_slab(Slab())
