"""Circles appear when detection ends, the first is shown, malignancy follows, and whoever reads meanwhile is not disturbed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.findings import Opinion
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress

from ..stand_ins.dock_input import press
from ..stand_ins.fresh_models import fresh_model_store
from ..stand_ins.reviewed_radiographs import radiograph
from .conftest import INFO, FakePredictor

JUDGE = ModelInfo("mtmr", "Test judge", "Judges.", ("CT",), "1.0", task="characterisation")


@dataclass
class FakeJudge:
    """Says how malignant findings are once it is let go on."""

    go_on: threading.Event = field(default_factory=threading.Event)

    def run(self, image, findings):
        """Follow the Characteriser protocol."""
        while not self.go_on.wait(0.02):
            yield Progress(0.0, "judging", findings.with_items(()))
        opinion = Opinion("mtmr", "1.0", malignancy=0.8)
        return findings.with_items(tuple(f.with_(opinions=(opinion,)) for f in findings))


@pytest.fixture
def judge():
    judge = FakeJudge()
    yield judge
    judge.go_on.set()


@pytest.fixture
def predictor(findings, judge, monkeypatch):
    """A detector, and a characteriser that waits."""
    models = {"fake": FakePredictor(findings, steps=2), "mtmr": judge}
    fresh_model_store(monkeypatch)
    monkeypatch.setattr(registry, "models", lambda: (INFO, JUDGE))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto": models[name])
    return models["fake"]


@pytest.fixture
def detected(window, qtbot):
    """Viewer and dock when detection has ended, the judge waiting."""
    viewer, dock = window
    dock.run.start()
    qtbot.waitUntil(lambda: len(dock.reviewed.session.findings) == 5, timeout=60_000)
    return viewer, dock


def finish(dock, judge, qtbot) -> None:
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        judge.go_on.set()


def test_circles_first_and_malignancy_afterwards(detected, judge, qtbot):
    viewer, dock = detected
    session = dock.reviewed.session
    assert dock.run.runner.running
    assert len(dock.reviewed.binding.layer.data) == 3
    assert dock.findings.model.rowCount() == 3
    assert {f.malignancy for f in session.findings} == {None}
    assert session.selected == "f1"
    np.testing.assert_allclose(viewer.dims.point[0], session.findings["f1"].center[0], atol=1.3)
    finish(dock, judge, qtbot)
    assert [f.id for f in session.findings] == ["f1", "f2", "f3", "f4", "f5"]
    assert {f.malignancy for f in session.findings} == {0.8}
    assert session.selected == "f1"
    assert (dock.reviewed.binding.layer.features["malignancy"] == 0.8).all()
    session.undo()  # one step
    assert len(session.findings) == 0


def test_the_layer_of_rings_is_in_before_networks_work(window, predictor, judge, qtbot, monkeypatch):
    """To add one beside them takes three times as long, and the window stands still. Nobody hears of a choice of layers."""
    viewer, dock = window
    there, told, run = [], [], predictor.run
    viewer.layers.selection.events.changed.connect(told.append)

    def looking(image):
        there.append(dock.reviewed.rings.layer is not None)
        return (yield from run(image))

    monkeypatch.setattr(predictor, "run", looking)
    dock.run.start()
    qtbot.waitUntil(lambda: bool(there), timeout=60_000)
    assert there == [True]
    # The viewer lives on, and with it would what it told.
    viewer.layers.selection.events.changed.disconnect(told.append)
    assert told == []
    assert viewer.layers.selection.active is dock.reviewed.layer
    finish(dock, judge, qtbot)


def test_what_a_person_does_meanwhile_stays(detected, judge, qtbot):
    viewer, dock = detected
    session = dock.reviewed.session
    press(dock, Qt.Key.Key_N)
    press(dock, Qt.Key.Key_R)
    session.remove("f3")
    sphere = session.findings["f5"].geometry
    session.change("f5", geometry=replace(sphere, diameter=9.0))
    view = tuple(viewer.dims.point)
    finish(dock, judge, qtbot)
    assert session.selected == "f2"
    assert session.findings["f2"].status == "rejected"
    assert session.findings["f2"].malignancy == 0.8
    assert session.findings["f5"].diameter == 9.0
    assert session.findings["f5"].malignancy is None  # judged where it no longer is
    assert {f.id for f in session.findings} == {"f1", "f2", "f4", "f5"}
    assert tuple(viewer.dims.point) == view


def test_who_has_moved_is_left_there(window, judge, qtbot):
    viewer, dock = window
    dock.run.start()
    viewer.dims.set_point(0, -190.0)
    view = tuple(viewer.dims.point)
    finish(dock, judge, qtbot)
    assert len(dock.reviewed.session.findings) == 5
    assert dock.reviewed.session.selected is None
    assert tuple(viewer.dims.point) == view


def test_cancel_while_malignancy_is_judged_changes_nothing(detected, judge):
    _, dock = detected
    dock.run.cancel_button.click()
    assert len(dock.reviewed.session.findings) == 0
    assert "Nothing was changed" in dock.run.message.text()


@pytest.mark.parametrize(
    ("hide", "end"), [("another study", "cancel"), ("another study", "close"), ("no overlays", "undo")]
)
def test_circles_that_are_hidden_go_without_a_word(detected, hide, end, qtbot):
    viewer, dock = detected
    reviewed = dock.reviewed
    if hide == "another study":
        add_image_layer(viewer, radiograph())
    else:
        press(dock, Qt.Key.Key_H)
    assert not reviewed.binding.layer.visible
    if end == "close":
        viewer.layers.remove(reviewed.layer)
    elif end == "undo":
        reviewed.session.undo()
    else:
        dock.run.cancel_button.click()
    assert len(reviewed.session.findings) == 0
    viewer.dims.ndisplay = 3
    viewer.dims.ndisplay = 2
    if end != "close":
        reviewed.session.redo()
        viewer.layers.selection.active = reviewed.layer
        reviewed.session.show_overlays(True)
        assert len(reviewed.binding.layer.data) == 3


def test_models_are_loaded_while_the_image_is_looked_at(open_dock, shared_viewer, monkeypatch, qtbot):
    monkeypatch.setattr("napari_lungmtl.panel.run.WARM_UP_MS", 50)
    from napari_lungmtl.training.inference import model_store

    dock = open_dock(shared_viewer)
    qtbot.waitUntil(lambda: len(model_store.store) == 2, timeout=60_000)
    assert not dock.run.runner.running
    assert dock.run.message.text() == ""
    shared_viewer.window.remove_dock_widget(dock)
    dock.close()
    dock.deleteLater()
    shared_viewer.layers.clear()
