"""What a run says, and the button that stops it, stay in sight."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from ..stand_ins.dock_input import press
from ..stand_ins.reviewed_radiographs import (
    RadiographPredictor,
    radiograph,
    radiograph_networks,
)


@pytest.fixture
def image():
    """The image that `window` opens."""
    return radiograph()


@pytest.fixture
def predictor(monkeypatch) -> dict[str, RadiographPredictor]:
    """Both networks of radiographs: while they run, boxes and cards change."""
    return radiograph_networks(monkeypatch)


def in_view(dock, widget: QWidget) -> bool:
    """Whether all of a widget can be seen in the scrolled dock."""
    viewport = dock._scroll.viewport()
    top = widget.mapTo(viewport, QPoint(0, 0)).y()
    return widget.isVisible() and top >= 0 and top + widget.height() <= viewport.height()


def test_run_with_a_selection_keeps_progress_and_cancel_in_sight(after_run, predictor, qtbot):
    viewer, dock = after_run
    size = viewer.window.geometry()[2:]
    viewer.window.resize(1280, 620)
    QApplication.processEvents()
    press(dock, Qt.Key.Key_N)
    qtbot.waitUntil(lambda: dock._scroll.verticalScrollBar().value() > 0)  # the card came into view
    predictor["mosegnet"].go_on.clear()
    dock._scroll.verticalScrollBar().setValue(0)
    QTest.mouseClick(dock.run.button, Qt.MouseButton.LeftButton)

    def progress_is_in_sight() -> bool:
        return in_view(dock, dock.run.cancel_button) and in_view(dock, dock.run.bar)

    qtbot.waitUntil(progress_is_in_sight)
    for _ in range(6):
        qtbot.wait(50)
        assert progress_is_in_sight()
    assert dock.run.runner.running
    predictor["mosegnet"].go_on.set()
    qtbot.waitUntil(lambda: not dock.run.runner.running)
    qtbot.waitUntil(lambda: in_view(dock, dock.run.message))  # how it ended
    viewer.window.resize(*size)


def test_run_from_below_scrolls_up_to_its_progress(after_run, predictor, qtbot):
    viewer, dock = after_run
    size = viewer.window.geometry()[2:]
    viewer.window.resize(1280, 620)
    press(dock, Qt.Key.Key_N)
    qtbot.waitUntil(lambda: dock._scroll.verticalScrollBar().value() > 0)
    predictor["mosegnet"].go_on.clear()
    dock.run.start()
    qtbot.waitUntil(lambda: in_view(dock, dock.run.cancel_button))
    dock.run.cancel()
    viewer.window.resize(*size)
