"""Pictures of the canvas hold all that is painted on it; without the name they tell nobody whose they are."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication, QImage
from qtpy.QtWidgets import QApplication, QFileDialog

from napari_lungmtl.canvas.marks.layout import overlap
from napari_lungmtl.training.findings import Finding, Sphere

from ..stand_ins.canvas_mouse import CanvasMouse
from ..stand_ins.dock_input import press

SHIFT = Qt.KeyboardModifier.ShiftModifier
Z = -100.0


def pixels(image: QImage) -> np.ndarray:
    """RGB (rows, columns, 3) in the pixels of the canvas."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1].astype(int)


def part(picture: np.ndarray, rectangle) -> np.ndarray:
    top, left, bottom, right = (round(v) for v in rectangle)
    return picture[top:bottom, left:right]


@pytest.fixture
def measured(window, qtbot):
    """A nodule with its caption, and a line with its length, on one slice."""
    viewer, dock = window
    viewer.dims.set_point(0, Z)
    dock.reviewed.session.add(Finding(Sphere((Z, 40.0, 0.0), 12.0), score=0.9))
    viewer.dims.set_point(0, Z)
    press(dock, Qt.Key.Key_L)
    CanvasMouse(dock).drag((Z, 20.0, -20.0), (Z, 25.0, 20.0))
    qtbot.waitUntil(lambda: bool(dock.measure.hand.overlay.labels) and bool(dock.marks.scene.captions))
    return viewer, dock


def test_a_picture_holds_captions_measurements_and_texts_and_the_one_without_a_name_all_but_that(
    measured, tmp_path, monkeypatch
):
    viewer, dock = measured
    canvas = dock.corners.parentWidget()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "seen.png"), ""))
    press(dock, Qt.Key.Key_S, SHIFT)
    seen = QImage(str(tmp_path / "seen.png"))
    assert (seen.width(), seen.height()) == (canvas.width(), canvas.height())
    press(dock, Qt.Key.Key_C, SHIFT)
    copied = QGuiApplication.clipboard().image()
    bare = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    seen, copied = pixels(seen), pixels(copied)
    caption = dock.marks.scene.captions[0].place.rectangle
    length = dock.measure.hand.overlay.rectangles()[0]
    who, where = dock.corners.rectangles()[:2]
    for rectangle in (caption, length, where):
        for picture in (seen, copied):
            letters = np.abs(part(picture, rectangle) - part(bare, rectangle)).max(axis=2) > 60
            assert letters.mean() > 0.05
    assert not overlap(who, caption)
    assert (np.abs(part(seen, who) - part(bare, who)).max(axis=2) > 60).mean() > 0.03
    assert (np.abs(part(copied, who) - part(bare, who)).max(axis=2) <= 2).all()
    assert dock.corners.texts["who"], "the window goes on naming it"


def test_linked_views_are_in_the_picture_and_a_full_disk_is_said(measured, tmp_path, monkeypatch):
    _viewer, dock = measured
    dock.views.link(True)
    QApplication.processEvents()
    try:
        image = dock.pictures.take()
        shown = [pane for pane in dock.views.panes.values() if pane.isVisible()]
        assert len(shown) == 2
        canvas = dock.corners.parentWidget()
        assert image.width() > canvas.width() or image.height() > canvas.height()
        picture = pixels(image)
        for pane in shown:
            at = pane.mapTo(pane.window(), pane.rect().topLeft())
            corner = canvas.mapTo(canvas.window(), canvas.rect().topLeft())
            left, top = at.x() - min(corner.x(), at.x()), at.y() - min(corner.y(), at.y())
            here = picture[top : top + pane.height(), left : left + pane.width()]
            assert np.abs(here - pixels(pane.grab().toImage())).mean() < 5
        said = []
        monkeypatch.setattr("napari_lungmtl.panel.pictures.show_error", said.append)
        dock.pictures.save(image, tmp_path / "no folder" / "a.png")
        assert "could not be saved" in said[0]
        dock.pictures.save(image, tmp_path / "a.jpg")
        assert QImage(str(tmp_path / "a.jpg")).size() == image.size()
    finally:
        dock.views.link(False)
