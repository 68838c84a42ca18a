"""Radiographs turned, mirrored and inverted in the window: by themselves, by button and by key; marks turn along, files do not."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image as Picture
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_lungmtl.layers.film_view import ScreenAxes
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.layers.rectangle import overlap
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.orientation import AS_STORED, ORIENTATIONS, Orientation
from napari_lungmtl.training.inference.predictor import Progress

from ..stand_ins.chests import chest
from ..stand_ins.dock_input import press, rest
from ..stand_ins.reviewed_radiographs import RadiographPredictor, radiograph, radiograph_networks

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def image():
    """The image that `window` opens."""
    return radiograph()


@pytest.fixture
def predictor(monkeypatch) -> dict[str, RadiographPredictor]:
    """Both networks of radiographs, by name."""
    return radiograph_networks(monkeypatch)


@pytest.fixture
def after_run(window, qtbot):
    """Viewer and dock after both networks have looked; the first run of a process waits for torch."""
    viewer, dock = window
    with qtbot.waitSignal(dock.run.finished, timeout=120_000):
        dock.run.start()
    return viewer, dock


@pytest.fixture
def lying(lungmtl_data) -> Image:
    """A film of NIH that its file holds lying on its side, the head at the left."""
    folder = lungmtl_data / "cxr" / "nih"
    with (folder / "labels.csv").open() as file:
        names = [row["file"] for row in csv.DictReader(file) if row["rotated_90"] == "1"]
    return read_image(next(folder.rglob(names[1])))


def likeness(viewer, picture: np.ndarray) -> float:
    """Correlation of what the canvas shows of a film with a picture that should fill its height or width."""
    shot = viewer.screenshot(canvas_only=True, flash=False)[..., :3].mean(axis=-1)
    height, width = shot.shape
    scale = min(height / picture.shape[0], width / picture.shape[1]) * 0.98
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    resized = Picture.fromarray(np.asarray(picture, np.float32)).resize(size)
    part = shot[top : top + size[1], left : left + size[0]]
    return float(np.corrcoef(part.ravel(), np.asarray(resized).ravel())[0, 1])


def place_of(viewer, world) -> QPoint:
    """Where a world point (y, x) is drawn on the canvas."""
    widget = viewer.window._qt_viewer.canvas.native  # a real mouse needs a real widget
    axes, camera = ScreenAxes.now(viewer), viewer.scene.camera
    middle = np.empty(2)
    middle[[axes.down[0], axes.right[0]]] = camera.center[-2:]
    row, column = axes.to_screen(np.asarray(world) - middle) * camera.zoom
    return QPoint(round(widget.width() / 2 + column), round(widget.height() / 2 + row))


def test_a_film_that_lies_stands_up_by_itself_and_buttons_and_keys_turn_it(window, lying, qtbot):
    viewer, dock = window
    add_image_layer(viewer, lying)
    session, row = dock.reviewed.session, dock.show_section.film
    assert session.orientation == Orientation(3)
    assert "turned by 90° clockwise" in row.state.text()
    assert likeness(viewer, np.rot90(lying.voxels, -1)) > 0.9
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.orientation == AS_STORED
    assert not row.state.isVisible()
    assert likeness(viewer, lying.voxels) > 0.9
    QTest.mouseClick(row.buttons["turn_right"], Qt.MouseButton.LeftButton)
    seen = np.rot90(lying.voxels, -1)
    assert likeness(viewer, seen) > 0.9
    for key, modifier, change in (
        (Qt.Key.Key_T, Qt.KeyboardModifier.NoModifier, lambda a: np.rot90(a, -1)),
        (Qt.Key.Key_M, Qt.KeyboardModifier.NoModifier, lambda a: a[:, ::-1]),
        (Qt.Key.Key_T, SHIFT, np.rot90),
        (Qt.Key.Key_I, Qt.KeyboardModifier.NoModifier, lambda a: 255 - a),
    ):
        press(dock, key, modifier)
        seen = change(seen)
        assert likeness(viewer, seen) > 0.9, key
    assert session.orientation.inverted
    assert np.shares_memory(dock.reviewed.layer.data, lying.voxels)


def test_a_turned_film_is_turned_after_reopening_and_its_neighbours_are_not(window, image, qtbot):
    viewer, dock = window
    press(dock, Qt.Key.Key_T)
    session = dock.reviewed.session
    assert session.save()
    assert read_findings(session.sidecar).orientation == Orientation(3)
    add_image_layer(viewer, chest())
    assert tuple(viewer.dims.order) == (0, 1, 2)
    assert tuple(viewer.scene.camera.orientation2d) == ("down", "right")
    add_image_layer(viewer, radiograph(series_uid="other"))
    assert tuple(viewer.dims.order)[-2:] == (1, 2)
    viewer.layers.remove(
        next(layer for layer in viewer.layers if layer.metadata.get("lungmtl_image") is image)
    )
    add_image_layer(viewer, image)
    assert dock.reviewed.session.orientation == Orientation(3)
    assert tuple(viewer.dims.order)[-2:] == (2, 1)


def test_marks_turn_along_and_what_is_drawn_lands_in_the_file(after_run, qtbot):
    _, dock = after_run
    session = dock.reviewed.session
    before = [f.geometry for f in session.findings]
    for orientation in ORIENTATIONS[1:8]:
        session.orient(orientation)
        _turn_along(after_run, before, qtbot)
        session.undo()  # what was drawn
        session.undo()
        assert session.orientation == AS_STORED
        assert len(session.findings) == 5


def _turn_along(after_run, before, qtbot) -> None:
    viewer, dock = after_run
    session, boxes = dock.reviewed.session, dock.reviewed.radiograph.boxes.layer
    qtbot.wait(60)
    assert [f.geometry for f in session.findings] == before
    captions = dock.marks.scene.captions
    assert len(captions) == 3
    for caption in captions:
        top, left, bottom, right = caption.mark.shape.rectangle
        middle = place_of(viewer, np.array(session.findings[caption.mark.finding.id].center))
        assert (left + right) / 2 == pytest.approx(middle.x(), abs=1.5)
        assert (top + bottom) / 2 == pytest.approx(middle.y(), abs=1.5)
    viewer.layers.selection.active = boxes
    boxes.mode = "add_rectangle"
    canvas = viewer.window._qt_viewer.canvas.native
    low, high = np.array((100.0, 40.0)), np.array((115.0, 60.0))
    QTest.mouseMove(canvas, place_of(viewer, low))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=place_of(viewer, low))
    for step in (0.3, 0.6, 1.0):
        QTest.mouseMove(canvas, place_of(viewer, low + step * (high - low)))
        rest(30)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=place_of(viewer, high))
    qtbot.waitUntil(lambda: len(session.findings) == 6, timeout=60_000)
    step = 2 / viewer.scene.camera.zoom
    np.testing.assert_allclose(session.findings[-1].box.low, low, atol=step)
    np.testing.assert_allclose(session.findings[-1].box.high, high, atol=step)


def test_networks_see_the_film_as_the_person_does_and_a_turn_after_the_run_voids_the_verdict(
    window, image, predictor, qtbot
):
    _, dock = window
    press(dock, Qt.Key.Key_I)
    press(dock, Qt.Key.Key_T)
    with qtbot.waitSignal(dock.run.finished, timeout=120_000):
        dock.run.start()
    (seen,) = predictor["dhn"].asked
    low, high = int(image.voxels.min()), int(image.voxels.max())
    np.testing.assert_array_equal(seen.voxels, low + high - np.rot90(image.voxels, -1))
    (verdict,) = dock.study_section.banner.verdicts
    assert "suspected" in verdict.words
    press(dock, Qt.Key.Key_T)
    (verdict,) = dock.study_section.banner.verdicts
    assert verdict.headline == "No verdict on this radiograph"
    assert "run again" in dock.study_section._doubt.text()


def test_notes_of_a_run_come_back_with_the_file(window, image, predictor, qtbot):
    viewer, dock = window
    run = predictor["dhn"].run

    def noting(film):
        yield Progress(0.1, "detecting", note="Out of memory on the GPU: went on with the CPU.")
        return (yield from run(film))

    predictor["dhn"].run = noting
    with qtbot.waitSignal(dock.run.finished, timeout=120_000):
        dock.run.start()
    assert "went on with the CPU" in dock.run.message.text()
    viewer.layers.remove(dock.reviewed.layer)
    assert not dock.run.message.isVisible()
    add_image_layer(viewer, image)
    assert dock.run.message.text() == "Out of memory on the GPU: went on with the CPU."


def test_a_heat_map_has_a_scale_and_no_text_lies_over_it(after_run, qtbot):
    viewer, dock = after_run
    box, heat = dock.show_section.heat.box, dock.reviewed.radiograph.heat
    box.setCurrentIndex(1)
    box.activated.emit(1)
    qtbot.waitUntil(lambda: heat.layer is not None, timeout=120_000)
    assert heat.layer.colorbar.visible
    assert tuple(heat.layer.contrast_limits) == (0.0, 1.0)
    canvas = dock.corners.parentWidget()
    QTest.mouseMove(
        canvas, QPoint(canvas.width() // 2, canvas.height() // 2)
    )  # the place under it is written, too
    qtbot.waitUntil(lambda: bool(dock.corners.texts["cursor"]))
    with_scale = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    heat.layer.colorbar.visible = False
    without = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    rows, columns = np.nonzero(np.abs(with_scale - without).max(axis=2) > 8)
    assert len(rows) > 2000
    scale = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    assert not [text for text in dock.corners.rectangles() if overlap(scale, text)]
