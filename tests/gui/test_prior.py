"""A prior study beside the present one: real windows, keys, clicks and wheel; the sample CT compared with itself, grown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, QRect, Qt
from qtpy.QtGui import QImage, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

import napari_lungmtl as lm
from napari_lungmtl.layers import planes
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.data.simulation.follow_up import grow
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging.image import Image

from ..stand_ins.dock_input import press
from ..stand_ins.reviewed_radiographs import radiograph

LEFT = Qt.MouseButton.LeftButton
MARK = (-150.0, 40.0, 0.0)
"""World point (z, y, x) of a bright voxel in both volumes of the conftest's extent."""


def pixel(pane, world) -> np.ndarray:
    """The colour that the pane shows at a world point of the prior."""
    QApplication.processEvents()
    shot = pane.grab().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    bits = shot.constBits()
    bits.setsize(shot.sizeInBytes())
    colors = np.frombuffer(bits, np.uint8).reshape(shot.height(), shot.width(), 4)[..., :3].astype(int)
    x, y = pane.frame.to_screen(world)
    return colors[round(y - 0.5), round(x - 0.5)]


def wheel(widget, notches: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    place = QPointF(widget.width() / 2, widget.height() / 2)
    event = QWheelEvent(
        *(place, widget.mapToGlobal(place), QPoint(), QPoint(0, 120 * notches)),
        *(Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False),
    )
    QApplication.sendEvent(widget, event)
    QApplication.processEvents()


def named(image: Image, uid: str, date: str = "", patient: str = "P1") -> Image:
    return replace(image, series_uid=uid, metadata={"patient_id": patient, "study_date": date})


@pytest.fixture
def pair(window, image):
    """A viewer whose present study (of July) lies over a prior one (of January) that has a bright voxel and air around it."""
    viewer, dock = window
    voxels = image.voxels.copy()
    voxels[tuple(np.rint(image.to_index(MARK)).astype(int))] = 3000
    add_image_layer(viewer, named(replace(image, voxels=voxels), "1.9.0", "20240112"))
    add_image_layer(viewer, named(image, "1.9.1", "20240711"))
    yield viewer, dock
    dock.prior.choose_study(None)


def beside(dock):
    """The prior stands beside the canvas by its key; its comparison is cancelled, so that slices stay linked by position."""
    press(dock, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    QTest.mouseClick(dock.prior.stop, LEFT)
    return dock.prior.beside.pane


def test_a_key_shows_the_prior_beside_the_canvas_and_takes_it_back(pair, qtbot):
    viewer, dock = pair
    canvas = dock.corners.parentWidget()
    size = canvas.size()
    pane = beside(dock)
    qtbot.waitUntil(pane.isVisible)
    # A narrow window: the prior stands below, where both have the width.
    qtbot.waitUntil(lambda: canvas.height() < 0.6 * size.height() and pane.y() > canvas.height())
    assert pane.width() >= canvas.width()
    assert dock.prior.beside.study.words == "P1 · 2024-01-12"
    assert dock.prior.days.value() == 181
    planes.show(viewer, "3-D")
    assert not pane.isVisible()
    planes.show(viewer, "axial")
    assert pane.isVisible()
    press(dock, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: canvas.size() == size)
    assert not pane.isVisible()


def test_without_lungs_a_sentence_says_so_and_slices_stay_linked_by_position(pair, image, qtbot):
    viewer, dock = pair
    present = dock.reviewed
    tissue = np.full((10, 50, 50), 40, np.int16)
    add_image_layer(viewer, named(replace(image, voxels=tissue), "1.9.3", "20230101"))
    dock.reviewed_images.choose(present.layer)
    dock.prior.choose_study(next(s for s in dock.prior._listed if s.image.series_uid == "1.9.3"))
    pane = dock.prior.beside.pane
    qtbot.waitUntil(lambda: "no lung" in dock.prior.words.text(), timeout=60_000)
    assert dock.prior.again.isVisible()
    assert pane.linked == "linked by position"
    planes.go_to(viewer, MARK)
    assert pane.scene.point == pytest.approx(viewer.dims.point)


def test_the_prior_shows_the_place_zoom_and_window_of_the_canvas(pair, qtbot):
    viewer, dock = pair
    pane = beside(dock)
    qtbot.waitUntil(lambda: pane.isVisible() and planes.fills(viewer))
    assert dock.prior.words.text() == "Not compared; slices are linked by position."
    planes.go_to(viewer, MARK)
    place = np.array(viewer.dims.point)
    assert pixel(pane, place + (0, 0, 8)).max() < 200
    # Beside the crosshair's lines and marks only the bright voxel is white.
    dock.views.move_to({1: MARK[1] + 5, 2: MARK[2] + 5})
    assert pixel(pane, MARK).min() > 200
    viewer.scene.camera.zoom *= 3
    viewer.scene.camera.center = (0, MARK[1] + 2, MARK[2])
    assert pixel(pane, MARK).min() > 200, "in the first picture after a change, too"
    assert pane.frame.mm == pytest.approx(1 / viewer.scene.camera.zoom)
    assert pane.frame.center == pytest.approx((MARK[1] + 2, MARK[2]))
    layer = dock.reviewed.layer
    layer.contrast_limits = (-1000, 100)
    QApplication.processEvents()
    assert pane.scene.limits == (-1000, 100)
    planes.show(viewer, "coronal")
    QApplication.processEvents()
    assert pane.frame.order == tuple(viewer.dims.order)
    assert pane.plane == "coronal"
    planes.show(viewer, "axial")


def test_hands_on_the_prior_move_both(pair, qtbot):
    viewer, dock = pair
    pane = beside(dock)
    qtbot.waitUntil(pane.isVisible)
    planes.go_to(viewer, MARK)
    before = viewer.dims.point
    wheel(pane, -1)
    assert viewer.dims.point[0] - before[0] == pytest.approx(-2.5)
    assert pane.scene.point[0] == pytest.approx(viewer.dims.point[0])
    zoom = viewer.scene.camera.zoom
    wheel(pane, 1, Qt.KeyboardModifier.ControlModifier)
    assert viewer.scene.camera.zoom > zoom
    x, y = pane.frame.to_screen(np.add(MARK, (0, 6, -9)))
    QTest.mouseClick(pane, LEFT, pos=QPoint(round(x), round(y)))
    assert viewer.dims.point[1:] == pytest.approx((MARK[1] + 6, MARK[2] - 9), abs=1.0)


def test_only_a_ct_that_is_another_one_may_be_the_prior(pair, image):
    viewer, dock = pair
    add_image_layer(viewer, radiograph())
    assert [study.words for study in dock.prior._listed] == []
    press(dock, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    assert not dock.prior.beside.shown
    other = named(image, "1.9.2", "20230101", "P2")
    add_image_layer(viewer, other)
    dock.reviewed_images.choose(
        next(
            layer
            for layer in viewer.layers
            if layer.metadata.get("lungmtl_image") is dock.reviewed.session.image
        )
    )
    first = next(r for r in dock.reviewed_images if r.session.image.series_uid == "1.9.1")
    dock.reviewed_images.choose(first.layer)
    listed = [study.image.series_uid for study in dock.prior._listed]
    assert listed[0] == "1.9.0", "the same patient's comes first"
    assert set(listed) == {"1.9.0", "1.9.2", "1.2.3"}
    assert dock.prior.choose.count() == 4


def test_another_patient_unknown_dates_and_a_later_prior_are_said(pair, image, qtbot):
    viewer, dock = pair
    present = dock.reviewed
    add_image_layer(viewer, named(image, "1.9.2", "20250101", "P2"))
    dock.reviewed_images.choose(present.layer)
    prior = dock.prior
    prior.choose_study(next(s for s in prior._listed if s.image.series_uid == "1.9.2"))
    prior.work.cancel()
    assert "Another patient? This is P1, the prior study P2." in prior.words.text()
    assert "later one, by 174 days: swap" in prior.words.text()
    QTest.mouseClick(prior.swap, LEFT)
    assert dock.reviewed.session.image.series_uid == "1.9.2"
    assert prior.beside.study.image.series_uid == "1.9.1"
    assert prior.days.value() == 174
    prior.choose_study(None)
    dock.reviewed_images.choose(present.layer)
    undated = next(s for s in prior._listed if s.image.series_uid == "1.2.3")
    prior.choose_study(undated)
    prior.work.cancel()
    assert prior.days.text() == "unknown"
    prior.days.setFocus()
    prior.days.lineEdit().selectAll()
    QTest.keyClicks(prior.days, "90")
    QTest.keyClick(prior.days, Qt.Key.Key_Return)
    assert prior._days(prior._choice) == 90


def test_the_prior_is_in_pictures_and_unnamed_where_the_present_study_is(pair, qtbot):
    viewer, dock = pair
    pane = beside(dock)
    qtbot.waitUntil(pane.isVisible)
    planes.go_to(viewer, MARK)
    QApplication.processEvents()
    canvas = dock.corners.parentWidget()
    corner = canvas.mapTo(canvas.window(), QPoint(0, 0))
    at = pane.mapTo(pane.window(), QPoint(0, 0)) - corner
    seen, unnamed = (dock.pictures.take(named) for named in (True, False))
    for picture in (seen, unnamed):
        x, y = pane.frame.to_screen(pane.scene.point)
        assert picture.pixelColor(at.x() + round(x - 0.5), at.y() + round(y - 0.5)).lightness() > 200, (
            "the mark"
        )
    # Case and date stand at the pane's upper right; what is left there says that it is a prior.
    there = QRect(at.x() + pane.width() // 2 + 30, at.y() + 30, pane.width() // 2 - 38, 20)
    named_letters, letters = (
        sum(
            part.pixelColor(x, y).lightness() > 200 for x in range(part.width()) for y in range(part.height())
        )
        for part in (seen.copy(there), unnamed.copy(there))
    )
    assert named_letters > 30
    shown = pane.grab().toImage()
    with pane.naming_nobody():
        assert pane.grab().toImage() != shown
    assert pane.grab().toImage() == shown
    assert letters != named_letters


def test_the_same_length_of_the_same_pixels_has_the_same_bar(pair, qtbot, monkeypatch):
    viewer, dock = pair
    said = []
    for module in ("napari_lungmtl.canvas.corners", "napari_lungmtl.views.pane"):
        monkeypatch.setattr(
            f"{module}.{'blocks.' if module.endswith('corners') else ''}draw_scale",
            lambda _painter, pixels, text, *_size: said.append((round(pixels, 3), text)),
        )
    pane = beside(dock)
    qtbot.waitUntil(pane.isVisible)
    for factor in (1.0, 1.7, 2.3):
        viewer.scene.camera.zoom *= factor
        QApplication.processEvents()
        said.clear()
        pane.grab()
        dock.corners.grab()
        assert len(said) == 2
        assert said[0] == said[1]


def test_closing_the_prior_closes_its_picture(pair, qtbot):
    viewer, dock = pair
    pane = beside(dock)
    qtbot.waitUntil(pane.isVisible)
    viewer.layers.remove(dock.prior.beside.study.layer)
    assert not pane.isVisible()
    assert dock.prior.table.rowCount() == 0
    assert not dock.prior.work.running


def test_a_prior_that_was_closed_while_another_study_was_seen_does_not_come_back(pair, image, qtbot):
    viewer, dock = pair
    present = dock.reviewed
    pane = beside(dock)
    prior = dock.prior.beside.study.layer
    add_image_layer(viewer, named(image, "1.9.2", "20240801", "P2"))
    viewer.layers.remove(prior)
    dock.reviewed_images.choose(present.layer)
    assert not pane.isVisible()
    assert dock.prior.choose.currentText() == "none"


def test_what_is_found_in_the_prior_is_drawn_in_its_picture(pair, image, findings, qtbot):
    _viewer, dock = pair
    present = dock.reviewed
    pane = beside(dock)
    prior = dock.prior.beside.study.layer
    dock.reviewed_images.choose(prior)
    session = dock.reviewed.session
    dock.reviewed_images.choose(present.layer)
    assert not pane.scene.findings
    session.replace_findings(findings)
    assert len(pane.scene.findings) == 3


def test_each_study_keeps_its_prior_and_another_one_shows_none(pair, qtbot):
    _viewer, dock = pair
    present = dock.reviewed
    pane = beside(dock)
    dock.reviewed_images.choose(dock.prior.beside.study.layer)
    assert not pane.isVisible()
    dock.reviewed_images.choose(present.layer)
    assert pane.isVisible()


@pytest.fixture(scope="module")
def followed_up() -> tuple[Image, Findings, Image, Findings]:
    """The sample CT and one of half a year later: moved by (4, −9, 6) mm, one nodule twice as large, one gone, one new."""
    image = lm.read_image(lm.datasets.sample_ct())
    truth = read_findings(lm.datasets.sample_ct().parent / "ct_truth.lungmtl.json")
    large, stable, gone = sorted(truth, key=lambda f: f.diameter)[1:4]
    moved = np.array([4.0, -9.0, 6.0])
    grown = grow(image, large.center, 0.7 * large.diameter, 2.0)
    later = replace(
        grown,
        voxels=np.rint(grown.voxels).astype(np.int16),
        origin=tuple(np.add(image.origin, moved)),
        series_uid="2.25.77",
        source=None,
        metadata={"patient_id": "PHANTOM-CT", "study_date": "20240711"},
    )

    def mark(f: Finding, number: int, by=(0.0, 0.0, 0.0), size: float = 1.0) -> Finding:
        return Finding(Sphere(tuple(np.add(f.center, by)), f.diameter * size), score=0.9, number=number)

    before = Findings((mark(large, 1), mark(stable, 2), mark(gone, 3)), ImageReference.of(image))
    new = Finding(Sphere(tuple(later.to_world((10, 150, 80))), 6.0), score=0.9, number=7)
    now = Findings((mark(large, 1, moved, 1.26), mark(stable, 2, moved), new), ImageReference.of(later))
    return replace(image, metadata={**image.metadata, "study_date": "20240112"}), before, later, now


def test_nodules_are_compared_and_a_choice_of_one_moves_both(window, qtbot, followed_up):
    viewer, dock = window
    image, before, later, now = followed_up
    for one, findings in ((image, before), (later, now)):
        add_image_layer(viewer, one)
        dock.reviewed.session.replace_findings(findings)
    press(dock, Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    pane, prior = dock.prior.beside.pane, dock.prior
    assert prior.stop.isVisible()
    with qtbot.waitSignal(prior.work.finished, timeout=120_000):
        pass
    assert pane.linked == "lungs registered"
    rows = [[prior.table.item(r, c).text() for c in range(4)] for r in range(prior.table.rowCount())]
    assert [row[0] for row in rows] == ["1", "2", "7", "3"]
    assert rows[0][2].startswith("+")
    assert "d\n(" in rows[0][3], "a doubling time with its interval"
    assert rows[1][2].startswith("not told apart")
    assert [row[2] for row in rows[2:]] == ["new", "gone"]
    change = prior._rows[0].change
    assert change.interval[0] < 1.0 < change.interval[1]
    item = prior.table.visualItemRect(prior.table.item(0, 1)).center()
    QTest.mouseClick(prior.table.viewport(), LEFT, pos=item)
    session = dock.reviewed.session
    assert session.selected == now[0].id
    assert viewer.dims.point == pytest.approx(now[0].center, abs=1.01)
    assert pane.scene.point == pytest.approx(before[0].center, abs=1.01)
    assert pane.scene.selection == (before[0].id,)
    assert "doubling time" in prior.about.text()
    item = prior.table.visualItemRect(prior.table.item(3, 1)).center()
    QTest.mouseClick(prior.table.viewport(), LEFT, pos=item)
    assert session.selected is None
    assert pane.scene.point == pytest.approx(before[2].center, abs=1.5)
    session.select(now[1].id)
    assert prior.table.selectedIndexes()[0].row() == 1
    session.reject(now[1].id)
    assert "Findings have changed" in prior.words.text()
    QTest.mouseClick(prior.again, LEFT)
    with qtbot.waitSignal(prior.work.finished, timeout=120_000):
        pass
    row = next(r for r in range(prior.table.rowCount()) if prior.table.item(r, 2).text() == "gone?")
    item = prior.table.visualItemRect(prior.table.item(row, 1)).center()
    QTest.mouseClick(prior.table.viewport(), LEFT, pos=item)
    assert prior.about.text() == "The present study has a mark here that was rejected: look there."
    prior.choose_study(None)
    assert not pane.isVisible()
