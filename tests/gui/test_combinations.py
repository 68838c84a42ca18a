"""What works alone works together: turning while a run goes on, undo after it, cancel after undo, keys on a person's layers."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_lungmtl.layers.follower import FOLLOWED
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.shortcuts import KEYS
from napari_lungmtl.training.findings import Box, Finding, Sphere
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging.radiograph.orientation import AS_STORED, Orientation

from ..stand_ins.chests import chest
from ..stand_ins.dock_input import press
from ..stand_ins.reviewed_radiographs import radiograph, radiograph_networks


@pytest.fixture
def image():
    """The image that `window` opens."""
    return radiograph()


@pytest.fixture
def go_on(monkeypatch):
    """Both networks of radiographs; the second waits to be let go on."""
    go_on = threading.Event()
    networks = radiograph_networks(monkeypatch)
    finds = networks["mosegnet"].finds

    def late(image):
        go_on.wait(240)
        return finds(image)

    networks["mosegnet"].finds = late
    yield go_on
    go_on.set()


@pytest.fixture
def predictor(go_on):
    """The networks above."""
    return go_on


def test_what_a_person_turns_while_a_run_goes_on_stays_turned(window, go_on, qtbot):
    _, dock = window
    session = dock.reviewed.session
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
        qtbot.waitUntil(lambda: len(session.findings) > 0, timeout=60_000)
        press(dock, Qt.Key.Key_T)
        assert session.orientation == Orientation(3)
        go_on.set()

    assert len(session.findings) == 5
    assert session.orientation == Orientation(3)
    assert session.undo_words == "run: 5 findings"


def test_undo_after_a_run_on_a_film_names_the_run(window, go_on, qtbot):
    _, dock = window
    session = dock.reviewed.session
    go_on.set()
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    assert session.undo_words == "run: 5 findings"


def test_a_run_numbers_its_findings_in_the_order_of_the_list(window, go_on, qtbot):
    _, dock = window
    session = dock.reviewed.session
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
        qtbot.waitUntil(lambda: len(session.findings) > 0, timeout=60_000)
        go_on.set()
    assert [f.number for f in session.findings] == [1, 2, 3, 4, 5]
    session.undo()
    session.add(Finding(Box((40.0, 0.0), (60.0, 20.0))))
    assert session.findings[-1].number == 1


@pytest.mark.parametrize("edits", [False, True])
def test_numbers_stay_when_networks_run_again(window, go_on, qtbot, edits):
    _, dock = window
    session = dock.reviewed.session
    go_on.set()
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    numbers = {f.id: f.number for f in session.findings}
    go_on.clear()
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
        qtbot.waitUntil(lambda: len(session.findings) == 3, timeout=60_000)
        if edits:
            session.accept(session.findings[1].id)
        go_on.set()
    assert {f.id: f.number for f in session.findings} == numbers


def test_numbers_that_a_person_has_worked_with_stay(window, go_on, qtbot):
    _, dock = window
    session = dock.reviewed.session
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
        qtbot.waitUntil(lambda: len(session.findings) > 0, timeout=60_000)
        first = {f.id: f.number for f in session.findings}
        session.accept(session.findings[2].id)
        go_on.set()
    assert first.items() <= {f.id: f.number for f in session.findings}.items()
    assert sorted(f.number for f in session.findings) == [1, 2, 3, 4, 5]


def test_nothing_of_the_dock_lies_below_its_scroll_bar(window, go_on, qtbot):
    _, dock = window
    go_on.set()
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        dock.run.start()
    room = dock._scroll.viewport().width()
    assert dock._scroll.verticalScrollBar().isVisible()
    assert max(section.minimumSizeHint().width() for section in dock.sections) <= room


def test_cancel_after_undo_says_that_nothing_was_changed(window, go_on, qtbot):
    _, dock = window
    session = dock.reviewed.session
    dock.run.start()
    qtbot.waitUntil(lambda: len(session.findings) > 0, timeout=60_000)
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not len(session.findings)
    dock.run.cancel_button.click()

    assert "stays" not in dock.run.message.text()


def test_i_inserts_vertices_on_shapes_that_a_person_added(window):
    viewer, dock = window
    shapes = viewer.add_shapes([np.array([[20, -10], [40, -10], [40, 10], [20, 10]])], shape_type="polygon")
    viewer.layers.selection.active = shapes
    viewer.window._qt_viewer.canvas.native.setFocus()
    press(dock, Qt.Key.Key_I)
    assert dock.reviewed.session.orientation == AS_STORED
    assert shapes.mode == "vertex_insert"


@pytest.mark.parametrize("again", [radiograph, chest], ids=["film", "ct"])
def test_an_image_that_is_open_twice_is_one_review(window, again):
    viewer, dock = window
    viewer.layers.clear()
    add_image_layer(viewer, again())
    first = dock.reviewed
    drawn = Box((40.0, 0.0), (60.0, 20.0)) if first.radiograph else Sphere((0.0, 10.0, 10.0), 8.0)
    first.session.add(Finding(drawn, id="a"))
    add_image_layer(viewer, again())
    second = dock.reviewed
    assert second is not first
    assert not any(layer.visible for layer in first.drawn)
    assert [layer.visible for layer in second.drawn if FOLLOWED in layer.metadata]
    second.session.add(Finding(drawn, id="b"))
    viewer.layers.selection.active = first.layer
    assert [f.id for f in dock.reviewed.session.findings] == ["a", "b"]
    viewer.layers.remove(second.layer)
    press(dock, Qt.Key.Key_A)
    assert first.session.save()
    saved = read_findings(first.session.sidecar)
    assert [(f.id, f.status) for f in saved] == [("a", "unreviewed"), ("b", "accepted")]
    press(dock, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert first.session.findings["b"].status == "unreviewed"


def test_the_tutorial_names_the_keys_that_layers_of_a_person_keep():
    text = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
    painting, drawing = text.partition("## Keys")[2].partition("The wheel")[0].split("; on")
    for key in KEYS:
        shown = "digits" if key.key.isdigit() else f"`{key.key}`"
        assert (shown in painting) != key.painting, key
        assert (shown in drawing) != key.drawing, key
