"""Axial, coronal and sagittal side by side: real files with known truth, real clicks, wheel and keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import SimpleITK as sitk
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QImage, QMouseEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.app import show_truth
from napari_lungmtl.layers import planes
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.layers.spheres.discs import STAND_OFF
from napari_lungmtl.layers.spheres.rows import ACCENT, SCALE
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.imaging import Image, read_image
from napari_lungmtl.training.imaging.slab import Slab
from napari_lungmtl.training.imaging.streamed import StreamedImage
from napari_lungmtl.views.painting import CROSSHAIR
from napari_lungmtl.views.pane import ViewPane
from napari_lungmtl.views.scene import Scene

from ..stand_ins.canvas_mouse import CanvasMouse, canvas_frame
from ..stand_ins.dock_input import press
from ..stand_ins.marked_volumes import brightest, marked, turned, write_dicom
from ..stand_ins.reviewed_radiographs import radiograph

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


def grab(widget) -> np.ndarray:
    """What a person sees of a widget."""
    QApplication.processEvents()
    shot = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    bits = shot.constBits()
    bits.setsize(shot.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(shot.height(), shot.width(), 4)[..., :3].astype(int)


def canvas_of(dock):
    return dock.corners.parentWidget()


def at(widget, frame, world) -> np.ndarray:
    """The colour that a widget shows at a world point."""
    x, y = frame.to_screen(world)
    return grab(widget)[round(y - 0.5), round(x - 0.5)]


def click(pane, world) -> None:
    x, y = pane.frame.to_screen(world)
    QTest.mouseClick(pane, LEFT, pos=QPoint(int(x), int(y)))
    QApplication.processEvents()


def wheel(widget, notches: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    place = QPointF(widget.width() / 2, widget.height() / 2)
    event = QWheelEvent(
        *(place, widget.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches)),
        *(Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False),
    )
    QApplication.sendEvent(widget, event)
    QApplication.processEvents()


@pytest.fixture
def linked(window, qtbot):
    """The window with its views linked by the key."""
    viewer, dock = window
    press(dock, Qt.Key.Key_G)
    qtbot.waitUntil(lambda: dock.views.isVisible() and dock.views.height() > 100)
    QApplication.processEvents()
    yield viewer, dock
    dock.views.link(False)


def shown(dock) -> list[str]:
    return [plane for plane, pane in dock.views.panes.items() if pane.isVisible()]


def test_a_key_shows_the_other_planes_beside_the_canvas_and_takes_them_back(window, qtbot):
    viewer, dock = window
    canvas = canvas_of(dock)
    size = canvas.size()
    planes.fit(viewer)
    press(dock, Qt.Key.Key_G)
    qtbot.waitUntil(lambda: shown(dock) == ["coronal", "sagittal"])
    qtbot.waitUntil(lambda: canvas.width() * canvas.height() < 0.7 * size.width() * size.height())
    qtbot.waitUntil(lambda: planes.is_whole(viewer))
    assert dock.show_section.linked.isChecked()
    planes.show(viewer, "coronal")
    assert shown(dock) == ["axial", "sagittal"]
    QTest.mouseDClick(dock.views.panes["sagittal"], LEFT)  # makes it the large one
    assert planes.current(viewer) == "sagittal"
    assert shown(dock) == ["axial", "coronal"]
    planes.show(viewer, "3-D")
    assert shown(dock) == ["axial", "coronal", "sagittal"]
    planes.show(viewer, "axial")
    press(dock, Qt.Key.Key_G)
    qtbot.waitUntil(lambda: canvas.size() == size)
    assert not dock.views.isVisible()
    assert not dock.views.canvas_marks.isVisible()


STORED = {
    "as the world's axes": ((0, 1, 2), (False, False, False)),
    "first slice superior, columns to the right": ((0, 1, 2), (True, False, True)),
    "coronal slices": ((1, 0, 2), (False, True, False)),
    "sagittal slices, reversed": ((2, 0, 1), (True, True, False)),
}


def _dicom(tmp_path, order, flips) -> Image:
    image = marked((14, 16, 18), (4, 11, 5), (2.5, 0.7, 0.8))
    write_dicom(turned(image, order, flips), tmp_path / "ct")
    return read_image(tmp_path / "ct")


def _oblique(tmp_path) -> Image:
    """A ball at a known place in a NIfTI whose axes lie askew in the patient."""
    volume = sitk.GaussianSource(sitk.sitkFloat32, (40, 40, 30), (2.5,) * 3, (14.0, 25.0, 20.0), 2000)
    volume = sitk.Cast(volume - 1000, sitk.sitkInt16)
    volume.SetSpacing((0.9, 0.9, 1.5))
    turn = sitk.Euler3DTransform((0, 0, 0), 0.25, -0.2, 0.3)
    volume.SetDirection(turn.GetMatrix())
    volume.SetOrigin((-30.0, 60.0, -400.0))
    sitk.WriteImage(volume, str(tmp_path / "oblique.nii.gz"))
    return read_image(tmp_path / "oblique.nii.gz")


def test_a_bright_voxel_of_a_file_lies_under_the_crosshair_in_all_three(linked, tmp_path):
    for kind in (*STORED, "oblique"):
        (tmp_path / kind).mkdir()
        _bright_in_all_three(linked, tmp_path / kind, kind)
        linked[0].layers.remove(linked[1].reviewed.layer)


def _bright_in_all_three(linked, folder, kind: str) -> None:
    viewer, dock = linked
    if kind == "oblique":
        image = _oblique(folder)
        turn = np.array(sitk.Euler3DTransform((0, 0, 0), 0.25, -0.2, 0.3).GetMatrix()).reshape(3, 3)
        world = (turn @ (np.array([14.0, 25.0, 20.0]) * (0.9, 0.9, 1.5)) + (-30.0, 60.0, -400.0))[::-1]
        limits = (600.0, 601.0)
    else:
        image = _dicom(folder, *STORED[kind])
        world = brightest(marked((14, 16, 18), (4, 11, 5), (2.5, 0.7, 0.8)))
        limits = (800.0, 801.0)
    layer = add_image_layer(viewer, image)
    layer.contrast_limits = limits
    planes.go_to(viewer, world)
    QApplication.processEvents()
    views = [(canvas_of(dock), canvas_frame(viewer, canvas_of(dock)))]
    views += [(dock.views.panes[plane], dock.views.panes[plane].frame) for plane in shown(dock)]
    assert len(views) == 3
    for widget, frame in views:
        assert at(widget, frame, world).min() > 200, "bright under the crosshair"
        voxels = 5.0 if kind == "oblique" else 1.6
        for side in (-1, 1):  # off the crosshair's own lines
            away = np.array(world)
            flat = list(frame.order[1:])
            away[flat] += np.multiply((1, side), voxels) * np.array(image.scale)[flat]
            assert at(widget, frame, away).max() < 60, "and nowhere beside it"
        # The crosshair's lines, outside of the gap that they leave.
        x, y = np.round(frame.to_screen(world)).astype(int)
        picture = grab(widget)
        green = np.abs(picture - CROSSHAIR.getRgb()[:3]).max(axis=2) < 90
        near = 1 + int(np.ceil(max(image.scale) / 2 / frame.mm))  # they go through the middle of a slice
        assert green[max(y - near, 0) : y + near + 1].any(axis=0).mean() > 0.3
        assert green[:, max(x - near, 0) : x + near + 1].any(axis=1).mean() > 0.3
    _marks_and_measurements_lie_there(dock, image, world)


def _marks_and_measurements_lie_there(dock, image, world) -> None:
    """The caption's outline, the ring of napari's layer and a line drawn by hand, on the canvas of the same place."""
    session, mouse = dock.reviewed.session, CanvasMouse(dock)
    session.add(Finding(Sphere(tuple(world), 4.0)))
    (mark,) = dock.marks.scene.marks
    top, left, bottom, right = mark.shape.rectangle
    x, y = canvas_frame(dock.viewer, mouse.canvas).to_screen(world)
    assert ((left + right) / 2, (top + bottom) / 2) == pytest.approx((x, y))
    dock.reviewed.rings.draw()
    rings = dock.reviewed.rings.layer
    drawn = np.asarray(rings.size) > 0
    assert rings.data[drawn][0] * SCALE == pytest.approx(
        np.array(dock.viewer.dims.point)[[0]].tolist() + list(world[1:])
    )
    press(dock, Qt.Key.Key_L)
    mouse.drag(world, np.add(world, (0.0, 4.0, 4.0)))
    (line,) = session.findings.measurements
    assert line.points[0][1:] == pytest.approx(world[1:], abs=mouse.hand.frame.mm)
    assert image.to_index(line.points[0])[0] == pytest.approx(
        round(float(image.to_index(world)[0])), abs=1e-6
    )


def test_a_click_in_any_view_moves_all(linked, image, qtbot):
    viewer, dock = linked
    views = dock.views
    click(views.panes["coronal"], image.to_world((30, 0, 12)))
    assert image.to_index(viewer.dims.point)[[0, 2]] == pytest.approx((30, 12), abs=1e-6)
    before = viewer.dims.point[2]
    click(views.panes["sagittal"], image.to_world((10, 45, 0)))
    assert image.to_index(viewer.dims.point)[:2] == pytest.approx((10, 45), abs=1e-6)
    assert viewer.dims.point[2] == before
    canvas = canvas_of(dock)
    target = image.to_world((10, 20, 33))
    x, y = canvas_frame(viewer, canvas).to_screen(target)
    QTest.mouseMove(canvas, QPoint(int(x), int(y)))
    QTest.mouseClick(canvas, LEFT, pos=QPoint(int(x), int(y)))
    qtbot.waitUntil(lambda: np.allclose(viewer.dims.point, target, atol=1.01))
    assert viewer.dims.point[0] == target[0]
    assert views.panes["coronal"].scene.point == pytest.approx(viewer.dims.point)


def test_the_wheel_steps_the_planes_own_slices_and_the_crosshair_elsewhere(linked, image):
    viewer, dock = linked
    planes.go_to(viewer, image.to_world((20, 30, 30)))
    coronal, sagittal = dock.views.panes["coronal"], dock.views.panes["sagittal"]
    wheel(coronal, -2)  # to the back
    assert image.to_index(viewer.dims.point) == pytest.approx((20, 32, 30))
    wheel(sagittal, 3)
    assert image.to_index(viewer.dims.point) == pytest.approx((20, 32, 27))
    _, y = sagittal.frame.to_screen(viewer.dims.point)
    before = grab(sagittal)
    wheel(canvas_of(dock), -4)  # to the feet
    assert image.to_index(viewer.dims.point)[0] == pytest.approx(16)
    assert sagittal.frame.to_screen(viewer.dims.point)[1] == pytest.approx(y + 4 * 2.5 / sagittal.frame.mm)
    changed = np.abs(grab(sagittal) - before).max(axis=(1, 2)) > 20
    assert changed[round(y)]
    assert not changed[: round(y) - 20].any(), "the picture itself has not moved"
    zoom = viewer.scene.camera.zoom
    mm = coronal.frame.mm
    wheel(coronal, 3, Qt.KeyboardModifier.ControlModifier)
    grab(coronal)
    assert coronal.frame.mm == pytest.approx(mm / 1.15**3)
    assert sagittal.frame.mm == pytest.approx(coronal.frame.mm)
    assert viewer.scene.camera.zoom == zoom
    wheel(coronal, -9, Qt.KeyboardModifier.ControlModifier)
    grab(coronal)
    assert coronal.frame.mm == pytest.approx(mm)


def _ring(pane, finding, color) -> float:
    """Which part of a ring round a finding's centre has a colour."""
    picture = grab(pane)
    x, y = pane.frame.to_screen(finding.center)
    radius = (finding.diameter / 2 + STAND_OFF) / pane.frame.mm
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    hits = 0
    for angle in angles:
        column, row = int(x + radius * np.cos(angle)), int(y + radius * np.sin(angle))
        near = picture[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].reshape(-1, 3)
        hits += bool((np.abs(near - np.array(color)).max(axis=1) < 70).any())
    return hits / len(angles)


def test_a_selected_finding_is_ringed_at_its_place_in_all_and_goes_with_the_overlays(after_run, qtbot):
    viewer, dock = after_run
    dock.views.link(True)
    finding = dock.reviewed.session.findings["f1"]
    dock.reviewed.session.select("f1")
    qtbot.waitUntil(lambda: viewer.dims.point == pytest.approx(finding.center))
    color = np.array(ACCENT) * 255
    for plane in ("coronal", "sagittal"):
        pane = dock.views.panes[plane]
        qtbot.waitUntil(lambda pane=pane: _ring(pane, finding, color) > 0.8)
    press(dock, Qt.Key.Key_H)
    for plane in ("coronal", "sagittal"):
        assert _ring(dock.views.panes[plane], finding, color) < 0.1
    press(dock, Qt.Key.Key_H)
    assert _ring(dock.views.panes["coronal"], finding, color) > 0.8
    dock.reviewed.session.set_thresholds(score=0.99)
    assert _ring(dock.views.panes["coronal"], finding, color) < 0.1
    dock.views.link(False)


def test_the_truth_is_squared_while_it_is_shown(linked, image):
    viewer, dock = linked
    nodule = Finding(Sphere(tuple(image.to_world((20, 30, 30))), 12.0))
    show_truth(viewer, dock, Findings((nodule,), image=ImageReference.of(image)))
    planes.go_to(viewer, nodule.center)
    pane = dock.views.panes["coronal"]
    corner = np.array(nodule.center) + np.array([1, 0, 1]) * (6.0 + STAND_OFF)

    def teal() -> bool:
        red, green, blue = at(pane, pane.frame, corner)
        return green > red + 60 and blue > red + 60

    assert teal()
    hit = Finding(Sphere(nodule.center, 12.0), id="hit")
    dock.reviewed.session.add(hit)
    dock.views.show_slab(Slab("MIP", 20.0))
    corner = np.array(nodule.center) + (1.5, 0, 6.0 + STAND_OFF)  # beside the crosshair, which is over both
    assert teal(), "where the ring touches it, the square of the truth is seen"
    dock.views.show_slab(Slab())
    viewer.layers["truth"].visible = False
    assert not teal()


def test_window_and_colours_are_followed(linked):
    _, dock = linked
    pane = dock.views.panes["coronal"]
    soft = dock.reviewed.session.image.to_world((20, 30, 5))  # 40 HU
    press(dock, Qt.Key.Key_2)
    assert at(pane, pane.frame, soft)[0] == pytest.approx(255 * 200 / 400, abs=3)
    low, high = dock.reviewed.layer.contrast_limits
    start = QPointF(30, 30)
    for kind, place, held in (
        (QEvent.Type.MouseButtonPress, start, RIGHT),
        (QEvent.Type.MouseMove, start + QPointF(60, 0), RIGHT),
        (QEvent.Type.MouseButtonRelease, start + QPointF(60, 0), Qt.MouseButton.NoButton),
    ):
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else RIGHT
        event = QMouseEvent(
            kind, place, pane.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(pane, event)
    assert np.diff(dock.reviewed.layer.contrast_limits)[0] == pytest.approx(1.4 * (high - low))
    dock.reviewed.layer.colormap = "red"
    red, green, blue = at(pane, pane.frame, soft)
    assert red > 100
    assert green == blue == 0


def test_another_study_fills_the_views_and_a_radiograph_has_one(linked, qtbot):
    viewer, dock = linked
    first = dock.reviewed.layer
    other = marked((12, 30, 40), (3, 4, 5), (3.0, 0.9, 0.9), (700.0, -300.0, 90.0))
    second = add_image_layer(viewer, other)
    assert {pane.scene.image is other for pane in dock.views.panes.values() if pane.scene} == {True}
    film = add_image_layer(viewer, radiograph())
    assert not dock.views.isVisible()
    assert not dock.show_section.slab.isVisible()
    assert not dock.show_section.linked.isVisible()
    viewer.layers.remove(film)
    dock.reviewed_images.choose(first)
    qtbot.waitUntil(dock.views.isVisible)
    viewer.layers.remove(first)
    assert dock.reviewed.layer is second
    assert dock.views.panes["coronal"].scene.image is other
    viewer.layers.remove(second)
    assert not dock.views.isVisible()
    assert dock.views.panes["coronal"].scene is None


def test_a_closed_dock_gives_the_canvas_its_space_back(shared_viewer, open_dock, qtbot):
    viewer = shared_viewer
    dock = open_dock(viewer)
    canvas, center = canvas_of(dock), dock.window().centralWidget()
    dock.views.link(True)
    press(dock, Qt.Key.Key_S)
    qtbot.waitUntil(dock.views.isVisible)
    dock.cine.toggle(1)
    viewer.window.remove_dock_widget(dock)  # as its own button does; nobody calls close
    qtbot.waitUntil(lambda: not dock._shortcuts)
    assert not dock.cine.direction
    dock.deleteLater()
    qtbot.waitUntil(lambda: canvas.width() > 0.95 * center.width())
    assert not any(viewer.dims.thickness)
    assert viewer.layers[0].projection_mode == "none"
    viewer.dims.set_point(0, -150.0)  # nobody listens any more
    viewer.layers.clear()


@dataclass
class Coming:
    """What an image's voxels come from."""

    fraction: float = 0.0
    is_whole: bool = False


def test_a_plane_fills_as_voxels_come_and_is_never_that_of_a_study_before(qtbot):
    pane = ViewPane("coronal")
    qtbot.addWidget(pane)
    pane.resize(200, 200)

    def grey(image) -> int:
        pane.show_scene(Scene(image, (4.0, 20.0, 25.0), limits=(-1000.0, 0.0)))
        return int(at(pane, pane.frame, (5.0, 20.0, 10.0))[0])

    stream = Coming()
    image = StreamedImage(np.full((10, 40, 50), -1000, np.int16), "CT", (1.0,) * 3, stream=stream)
    assert grey(image) == 0
    image.voxels[:] = 0
    stream.is_whole = True
    assert grey(image) == 255
    for value in (-1000, 0) * 8:  # one takes the place of another in memory
        del image
        pane.show_scene(None)
        image = Image(np.full((10, 40, 50), value, np.int16), "CT", (1.0,) * 3)
        assert grey(image) == (0 if value else 255)
