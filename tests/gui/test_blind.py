"""Where a detector is blind, in a real window: the map fills, follows the case and the threshold, and one graft at a real click."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.reading.study import State
from napari_lungmtl.training.blind import lattice, scan
from napari_lungmtl.training.blind.at_hand import bank_at_hand, real_path
from napari_lungmtl.training.blind.bank import save_bank
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference import registry

from ..stand_ins.blob_detector import BlobDetector
from ..stand_ins.canvas_mouse import CanvasMouse

LEFT = Qt.MouseButton.LeftButton


class Gated(BlobDetector):
    """Waits before each look for as long as a test holds it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def run(self, image):
        """As a `BlobDetector`, once it is let through."""
        assert self.gate.wait(60)
        return (yield from super().run(image))


@pytest.fixture
def image() -> Image:
    voxels = np.full((40, 70, 70), 40, np.int16)
    voxels[:, 8:62, 8:62] = -850
    return Image(voxels, "CT", (2.5, 1.0, 1.0), (-200.0, 10.0, -30.0), series_uid="1.2.3")


@pytest.fixture
def detector(predictor, monkeypatch) -> Gated:
    model = Gated()
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto": model)
    monkeypatch.setattr(scan, "lung_field", lambda image: image.voxels < -400)
    monkeypatch.setattr(scan, "coarse_to_fine", lambda *a: lattice.coarse_to_fine(*a, (36.0,)))
    return model


@pytest.fixture
def section(detector, window):
    viewer, dock = window
    dock.blind.set_open(True)
    dock.blind.sizes.setCurrentText("6–10 mm")
    dock.blind.looks.setCurrentText("solid")
    QApplication.processEvents()
    yield viewer, dock, dock.blind
    detector.gate.set()


def filled(viewer, qtbot, section):
    with qtbot.waitSignal(section.work.finished):
        QTest.mouseClick(section.start_button, LEFT)
    qtbot.waitUntil(lambda: section._known().layer.layer is not None)
    return section._known().layer


def test_the_map_fills_in_the_background_and_follows_case_and_threshold(section, findings, qtbot):
    viewer, dock, blind = section
    own = dock.reviewed
    kept, steps = dock.reviewed.session.findings, tuple(viewer.dims.range)
    before = np.array(own.layer.data)
    chances = filled(viewer, qtbot, blind)
    found, tried = (int(w) for w in blind.result.text().split(" nod")[0].replace(" of", "").split()[:2])
    assert 0 < found <= tried == len(chances.trials)
    assert "solid nodules of 6–10 mm found at score\u00a0≥" in blind.result.text()
    layer = chances.layer
    assert viewer.layers.index(layer) == viewer.layers.index(own.layer) + 1
    assert viewer.layers.selection.active is not layer
    assert dock.reviewed is own, "the map is no image under review"
    assert tuple(viewer.dims.range) == steps, "the slider keeps its slices"
    assert dock.reviewed.session.findings is kept
    assert np.array_equal(own.layer.data, before)
    dock.reviewed.session.set_thresholds(score=0.95)
    assert blind.result.text().startswith(f"0 of {tried} ")
    qtbot.waitUntil(lambda: np.nanmax(chances.chance) == 0)
    assert blind.summary.text() == "0\u00a0% found"
    viewer.dims.ndisplay = 3
    assert not layer.visible
    viewer.dims.ndisplay = 2
    assert layer.visible
    add_image_layer(viewer, Image(before.copy(), "CT", (2.5, 1, 1), (0.0, 0.0, 0.0), series_uid="other"))
    QApplication.processEvents()
    assert dock.reviewed is not own
    assert not layer.visible
    assert not blind.result.isVisible()
    dock.reviewed_images.choose(own.layer)
    assert layer.visible
    assert blind.result.isVisible()
    viewer.layers.remove(own.layer)
    assert layer not in viewer.layers


def test_it_stops_at_once_and_what_is_known_stays(section, detector, qtbot):
    viewer, _dock, blind = section
    QTest.mouseClick(blind.start_button, LEFT)
    qtbot.waitUntil(
        lambda: blind._known() is not None and len(blind._known().layer.trials) >= 2, timeout=30_000
    )
    detector.gate.clear()
    assert blind.bar.isVisible()
    QTest.mouseClick(blind.cancel_button, LEFT)
    assert blind.start_button.isVisible()
    count, seen = len(blind._known().layer.trials), detector.seen
    detector.gate.set()
    qtbot.wait(300)
    assert len(blind._known().layer.trials) == count
    assert detector.seen <= seen + 2, "no further graft"
    qtbot.waitUntil(lambda: blind._known().layer.layer is not None)
    blind.go_to_blindest()
    blind.forget_map()
    assert blind._known() is None
    assert not [layer for layer in viewer.layers if layer.name.startswith("chance")]


def test_one_graft_at_a_click_with_its_live_score(section, qtbot):
    viewer, dock, blind = section
    session, layer = dock.reviewed.session, dock.reviewed.layer
    viewer.dims.set_point(0, -152.5)
    QApplication.processEvents()
    mouse = CanvasMouse(dock)
    mouse.click((-152.5, 45.0, 5.0))
    assert blind.one.graft is None, "the switch is off"
    data, before, kept = layer.data, np.array(layer.data), session.findings
    QTest.mouseClick(blind.one.switch, LEFT)
    assert blind.one.words.text() == "Click into a lung."
    place = mouse.click((-152.5, 45.0, 5.0))
    qtbot.waitUntil(lambda: blind.one.graft is not None)
    trial = blind.one.graft.trial
    assert np.abs(np.subtract(trial.center, place)).max() <= 1.5
    assert "score 0.90, found at 0.50" in blind.one.words.text()
    session.set_thresholds(score=0.95)
    assert "not found at 0.95" in blind.one.words.text()
    preview = blind.one.preview.layer
    assert viewer.layers.index(preview) == viewer.layers.index(layer) + 1
    assert layer.data is data
    assert np.array_equal(data, before), "the image is never touched"
    layer.contrast_limits = (-900, 100)
    assert tuple(preview.contrast_limits) == (-900, 100)
    mouse.drag((-152.5, 40.0, 0.0), (-152.5, 50.0, 10.0))
    assert blind.one.graft.trial is trial, "a drag is no click"
    assert session.findings is kept
    QTest.mouseClick(blind.one.switch, LEFT)
    assert preview not in viewer.layers
    assert blind.one.graft is None
    assert not blind.one.words.isVisible()


def test_a_graft_whose_layer_a_person_deletes_is_gone_from_the_dock_too(section, qtbot):
    viewer, dock, blind = section
    viewer.dims.set_point(0, -152.5)
    QApplication.processEvents()
    QTest.mouseClick(blind.one.switch, LEFT)
    CanvasMouse(dock).click((-152.5, 45.0, 5.0))
    qtbot.waitUntil(lambda: blind.one.graft is not None)
    viewer.layers.remove(blind.one.preview.layer)
    assert blind.one.graft is None
    assert not blind.one.remove.isVisible()
    assert blind.one.words.text() == "Click into a lung."


def test_a_click_grafts_nothing_while_a_reader_study_is_going_on(section, monkeypatch, qtbot):
    viewer, dock, blind = section
    viewer.dims.set_point(0, -152.5)
    QApplication.processEvents()
    QTest.mouseClick(blind.one.switch, LEFT)
    mouse, asked = CanvasMouse(dock), []
    monkeypatch.setattr(blind.one, "put", asked.append)
    with monkeypatch.context() as during:
        during.setattr(dock.reading, "study", SimpleNamespace(state=State.OPENING))
        mouse.click((-152.5, 45.0, 5.0))
    assert not asked
    mouse.click((-152.5, 45.0, 5.0))
    assert len(asked) == 1


def test_it_says_which_nodules_are_grafted(section, qtbot):
    _viewer, _dock, blind = section
    assert blind.source.text() == "Grafted: nodules made by this project."
    path = real_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    save_bank(path, bank_at_hand().nodules[::3])
    blind.set_open(False)
    blind.set_open(True)
    assert blind.source.text() == "Grafted: 18 real nodules of LUNA16."
    filled(_viewer, qtbot, blind)
    path.write_bytes(b"PK nothing")
    blind.follow(blind.reviewed)
    assert blind.source.text() == "Grafted: 18 real nodules of LUNA16.", "of the map that is shown"
    blind.forget_map()
    assert "nodules.npz is damaged" in blind.source.text()
    assert "Nodules made by this project are grafted" in blind.source.text()
    assert blind.source.property("role") == "warning"


def test_what_cannot_be_done_is_said(section, monkeypatch, qtbot):
    _viewer, _dock, blind = section
    monkeypatch.setattr(scan, "lung_field", lambda image: np.zeros(image.shape, bool))
    with qtbot.waitSignal(blind.work.finished):
        QTest.mouseClick(blind.start_button, LEFT)
    assert not blind.result.isVisible()
    blind.one.put((0.0, 0.0, 0.0))
    qtbot.waitUntil(lambda: "outside of the image" in blind.one.words.text())
    assert blind.one.words.property("role") == "error"
