"""The map of a cohort in a real window: looking round, work in the background, folders that hold no cohort."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.panel.cohort import section as section_module
from napari_lungmtl.training.cohort import Step

from ..stand_ins.cohort_window import circle, load, pixel, write_cohort
from ..stand_ins.cubes_folder import write_cubes


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    """Cubes and predictions for them."""
    return write_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(autouse=True)
def quick_map(monkeypatch):
    """A map at once."""
    monkeypatch.setattr(section_module, "embed", circle)


@pytest.fixture
def loaded(window, cubes, qtbot):
    """The section with the cubes and their predictions on its map."""
    viewer, dock = window
    load(dock, *cubes, qtbot=qtbot)
    return viewer, dock


# ---- looking round


def test_the_wheel_zooms_about_the_pointer_and_a_drag_opens_nothing(loaded, qtbot):
    _, dock = loaded
    plot = dock.cohort.plot
    before = plot.to_pixels()
    qtbot.mouseMove(plot, pixel(dock, 2))
    scroll(plot, pixel(dock, 2), 360)
    assert plot.zoom == pytest.approx(1.2**3)
    np.testing.assert_allclose(plot.to_pixels()[2], before[2], atol=1)
    reviewed, start = dock.reviewed, plot.to_pixels()
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=pixel(dock, 2))
    for step in (6, 12, 20):
        QTest.mouseMove(plot, QPoint(*np.rint(start[2]).astype(int).tolist()) + QPoint(step, 0))
    QTest.mouseRelease(
        plot, Qt.MouseButton.LeftButton, pos=QPoint(*np.rint(start[2]).astype(int).tolist()) + QPoint(20, 0)
    )
    np.testing.assert_allclose(plot.to_pixels() - start, np.broadcast_to([20, 0], start.shape), atol=1)
    assert dock.reviewed is reviewed
    assert not dock.cohort.opener.reading.running
    QTest.mouseDClick(plot, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    np.testing.assert_allclose(plot.to_pixels(), before)


def scroll(widget, at: QPoint, angle: int) -> None:
    """A turn of the wheel."""
    from qtpy.QtGui import QWheelEvent

    event = QWheelEvent(
        QPointF(at),
        QPointF(widget.mapToGlobal(at)),
        QPoint(),
        QPoint(0, angle),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def test_a_click_beside_the_points_opens_nothing(loaded):
    _, dock = loaded
    reviewed = dock.reviewed
    QTest.mouseClick(dock.cohort.plot, Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    assert not dock.cohort.opener.reading.running
    assert dock.reviewed is reviewed


# ---- work in the background


def test_the_map_is_made_off_the_gui_thread_and_can_be_cancelled(window, cubes, monkeypatch, qtbot):
    _, dock = window
    threads, closed = [], threading.Event()

    def slow(cohort, features, with_diameter=False):
        threads.append(threading.get_ident())
        try:
            while True:
                threading.Event().wait(0.02)
                yield Step(0.3, "t-SNE of 12 nodules", np.random.default_rng(0).normal(size=(len(cohort), 2)))
        finally:
            closed.set()

    monkeypatch.setattr(section_module, "embed", slow)
    dock.cohort.load(*cubes)
    qtbot.waitUntil(lambda: "t-SNE" in dock.cohort.stage.text(), timeout=60_000)
    assert dock.cohort.bar.isVisible()
    QTest.mouseClick(dock.cohort.cancel_button, Qt.MouseButton.LeftButton)
    assert not dock.cohort.work.running
    assert not dock.cohort.bar.isVisible()
    assert "Cancelled" in dock.cohort.message.text()
    assert closed.wait(60)
    assert threading.get_ident() not in threads
    assert dock.cohort.plot.has_points  # as far as it had come


def test_another_choice_of_features_makes_another_map(loaded, monkeypatch, qtbot):
    _, dock = loaded
    asked = []

    def embed(cohort, features, with_diameter=False):
        asked.append((features, with_diameter))
        yield Step(0.1, "", np.zeros((len(cohort), 2)))
        return np.random.default_rng(0).normal(size=(len(cohort), 2))

    monkeypatch.setattr(section_module, "embed", embed)
    box = dock.cohort.place_by
    assert [box.itemText(i) for i in range(box.count())] == ["by the network", "by the readers"]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    qtbot.waitUntil(lambda: not dock.cohort.work.running, timeout=60_000)
    QTest.mouseClick(dock.cohort.diameter, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    qtbot.waitUntil(lambda: not dock.cohort.work.running, timeout=60_000)
    assert asked == [("readers", False), ("readers", True)]


NO_COHORT = (
    ({}, "holds no results"),
    ({"a.lungmtl.json": "{"}, "can be read"),
    ({"nodules.csv": "a,b\n1,2\n"}, "no column seriesuid"),
    ({"cubes.npz": "x"}, "nodules.csv is missing"),
)


def test_folders_that_hold_no_cohort_give_a_sentence(loaded, tmp_path, qtbot):
    _, dock = loaded
    for number, (content, sentence) in enumerate(NO_COHORT):
        folder = tmp_path / f"folder {number}"
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
        load(dock, folder, qtbot=qtbot)
        assert sentence in dock.cohort.message.text()
        assert dock.cohort.message.property("role") == "error"
        assert dock.cohort.cohort is not None  # what was there before stays
        assert dock.cohort.plot.isVisible()


def test_too_few_nodules_give_a_sentence(window, tmp_path, monkeypatch, qtbot):
    from napari_lungmtl.training.cohort import embed

    monkeypatch.setattr(section_module, "embed", embed)
    _, dock = window
    load(dock, write_cubes(tmp_path / "few", [1, 1, -1]), qtbot=qtbot)
    assert "A map needs at least 5 nodules" in dock.cohort.message.text()
    assert not dock.cohort.plot.isVisible()


def test_folder_and_predictions_may_be_dropped(window, cubes, qtbot):
    _, dock = window
    section = dock.cohort
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in cubes])
    arguments = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(20, 5), *arguments)
    QApplication.sendEvent(section, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(section, QDropEvent(QPointF(20, 5), *arguments))
    qtbot.waitUntil(lambda: not section.work.running, timeout=60_000)
    assert np.isfinite(section.cohort.values("malignancy")).all()
    assert section.predictions.isVisible()


def test_closing_the_dock_stops_the_work(shared_viewer, open_dock, cubes, monkeypatch, qtbot):
    closed = threading.Event()

    def slow(cohort, features, with_diameter=False):
        try:
            while True:
                threading.Event().wait(0.02)
                yield Step(0.3, "t-SNE", np.zeros((len(cohort), 2)))
        finally:
            closed.set()

    monkeypatch.setattr(section_module, "embed", slow)
    dock = open_dock(shared_viewer)
    dock.cohort.load(*cubes)
    qtbot.waitUntil(lambda: "t-SNE" in dock.cohort.stage.text(), timeout=60_000)
    shared_viewer.window.remove_dock_widget(dock)
    dock.close()
    assert closed.wait(60)
    dock.deleteLater()
    shared_viewer.layers.clear()
