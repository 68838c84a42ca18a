"""Runs that detect and characterise, and single spheres that are characterised: what changes, and what does not."""

from __future__ import annotations

import threading
import time

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.jobs import run_modes
from napari_lungmtl.training.findings import Finding, Opinion, Provenance, Sphere
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.inference.predictor import ModelInfo, Progress

from ..stand_ins.fresh_models import fresh_model_store


class Judge:
    """The larger, the more malignant; 0.02 s for each sphere, once it may go on."""

    def __init__(self, name, title):
        self.info = ModelInfo(name, title, "Judges.", ("CT",), "1.0", task="characterisation")
        self.delay = 0.02
        self.threads: list[int] = []
        self.closed = threading.Event()
        self.asked: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()

    def run(self, image, findings):
        self.threads.append(threading.get_ident())
        self.asked.append(len(findings))
        items = list(findings)
        try:
            while not self.go_on.wait(0.02):
                yield Progress(0.0, "judging", findings)
            for k, finding in enumerate(items):
                time.sleep(self.delay)
                said = Opinion(
                    self.info.name, "1.0", finding.diameter / 100, 0.1, attributes={"spiculation": 4.0}
                )
                items[k] = finding.with_(opinions=(*finding.opinions, said))
                yield Progress((k + 1) / len(items), "judging", findings.with_items(tuple(items)))
            return findings.with_items(tuple(items))
        finally:
            self.closed.set()


@pytest.fixture
def judges(predictor, monkeypatch):
    """A detector and two characterisers at hand."""
    mtmr, mtcnn = Judge("mtmr", "MTMR-Net"), Judge("mtcnn", "MT-CNN")
    at_hand = {"fake": predictor, "mtmr": mtmr, "mtcnn": mtcnn}
    (detector,) = registry.models()
    monkeypatch.setattr(registry, "models", lambda: (detector, mtmr.info, mtcnn.info))
    monkeypatch.setattr(registry, "load_predictor", lambda name, device="auto": at_hand[name])
    fresh_model_store(monkeypatch)
    return mtmr, mtcnn


@pytest.fixture
def dock(judges, window):
    """The dock with everything at hand."""
    return window[1]


def run(dock, qtbot, mode=run_modes.ALL):
    dock.run.mode.setCurrentIndex(dock.run.mode.findData(mode))
    with qtbot.waitSignal(dock.run.finished):
        dock.run.start()


def press_c(dock):
    QTest.keyClick(dock.window().focusWidget() or dock.window(), Qt.Key.Key_C, Qt.KeyboardModifier.NoModifier)


def test_one_run_does_everything_off_the_gui_thread(dock, judges, qtbot):
    assert [dock.run.mode.itemText(i) for i in range(3)] == list(run_modes.TITLES.values())
    assert dock.run.purpose.text() == (
        "Test detector looks for nodules, MTMR-Net and MT-CNN judge how malignant each is."
    )
    stages_seen = []
    dock.run.runner.progressed.connect(lambda p: stages_seen.append(p.stage))
    run(dock, qtbot)
    findings = dock.reviewed.session.findings
    assert [f.malignancy for f in findings] == pytest.approx([0.21, 0.04, 0.12, 0.08, 0.06])
    assert all(f.attributes == {"spiculation": 4.0} and len(f.opinions) == 2 for f in findings)
    assert [m["name"] for m in findings.models] == ["fake", "mtmr", "mtcnn"]
    assert threading.get_ident() not in judges[0].threads
    assert any(s.startswith("MTMR-Net: judging malignancy") for s in stages_seen)
    assert dock.run.message.text().endswith(": 5 findings.")
    assert dock.show_section.summary.text() == "3 of 5 shown"
    dock.reviewed.session.set_thresholds(score=0.0, diameter=0.0)
    assert dock.show_section.summary.text() == "5 of 5 shown", "and the message above is true still"


def test_a_run_judges_what_a_person_drew_and_keeps_it(dock, qtbot):
    session = dock.reviewed.session
    mine = Finding(
        Sphere((-150.0, 30.0, 0.0), 10.0), provenance=Provenance(person="me"), note="look", id="mine"
    )
    session.add(mine)
    run(dock, qtbot)
    kept = session.findings["mine"]
    assert (kept.geometry, kept.note, kept.provenance, kept.score) == (
        mine.geometry,
        "look",
        mine.provenance,
        1.0,
    )
    assert kept.malignancy == pytest.approx(0.10)
    assert len(session.findings) == 6
    session.undo()
    assert [f.id for f in session.findings] == ["mine"]
    assert session.findings["mine"].malignancy is None


def test_what_was_only_detected_is_characterised_in_one_step(dock, judges, qtbot):
    run(dock, qtbot, run_modes.DETECT)
    session = dock.reviewed.session
    assert len(session.findings) == 5
    assert judges[0].asked == []
    session.accept("f2")
    session.add(Finding(Sphere((-150.0, 30.0, 0.0), 10.0), provenance=Provenance(person="me"), id="mine"))
    session.change("f3", geometry=Sphere(session.findings["f3"].center, 30.0))
    before = session.findings
    run(dock, qtbot, run_modes.CHARACTERISE)
    after = session.findings
    assert judges[0].asked == [6]
    assert [f.id for f in after] == [f.id for f in before]
    assert [f.geometry for f in after] == [f.geometry for f in before]
    assert after["f2"].status == "accepted"
    assert after["f3"].malignancy == pytest.approx(0.30)
    assert all(f.opinions for f in after)
    assert dock.run.message.text().endswith("6 of 6 characterised.")
    session.undo()
    assert session.findings == before


def test_what_cannot_be_characterised_is_said(dock, qtbot):
    dock.run.mode.setCurrentIndex(dock.run.mode.findData(run_modes.CHARACTERISE))
    dock.run.start()
    assert not dock.run.runner.running
    assert "draw a sphere" in dock.run.message.text()
    press_c(dock)
    assert dock.run.message.text() == "Select a finding to characterise it."
    assert not dock.run.runner.running
    session = dock.reviewed.session
    session.add(Finding(Sphere((900.0, 30.0, 0.0), 10.0), id="far"))
    with qtbot.waitSignal(dock.run.runner.failed):
        press_c(dock)
    assert "outside the scan" in dock.run.message.text()
    assert session.findings["far"].malignancy is None


def test_c_and_the_card_characterise_one_sphere_alone(dock, judges, qtbot):
    run(dock, qtbot, run_modes.DETECT)
    session = dock.reviewed.session
    session.select("f3")
    session.change("f3", note="hm")
    before = session.findings
    with qtbot.waitSignal(dock.run.finished):
        press_c(dock)
        assert dock.run.bar.isHidden()  # it is over before a bar would help
    after = session.findings
    assert judges[0].asked == [1]
    assert after["f3"].malignancy == pytest.approx(0.12)
    assert [(f.id, f.malignancy) for f in after if f.malignancy is not None] == [
        ("f3", after["f3"].malignancy)
    ]
    assert (after["f3"].note, after["f3"].geometry) == ("hm", before["f3"].geometry)
    assert dock.run.message.text() == "Malignancy 0.12, spread 0.10."
    assert {m["name"] for m in after.models} == {"fake", "mtmr", "mtcnn"}
    session.undo()
    assert session.findings == before
    with qtbot.waitSignal(dock.run.finished):
        dock.card.characterise.emit("f2")
    assert dock.reviewed.session.findings["f2"].malignancy == pytest.approx(0.04)


def test_a_slow_single_judgement_shows_a_bar_and_can_be_cancelled(dock, judges, qtbot):
    run(dock, qtbot, run_modes.DETECT)
    session = dock.reviewed.session
    session.select("f1")
    before = session.findings
    for judge in judges:
        judge.go_on.clear()
        judge.closed.clear()
    press_c(dock)
    qtbot.waitUntil(dock.run.bar.isVisible)
    dock.run.cancel_button.click()
    assert not dock.run.runner.running
    qtbot.waitUntil(judges[0].closed.is_set)
    qtbot.wait(100)
    assert session.findings == before
    assert dock.run.bar.isHidden()


def test_what_was_moved_or_deleted_meanwhile_keeps_no_stale_word(dock, judges, qtbot):
    run(dock, qtbot, run_modes.DETECT)
    session = dock.reviewed.session
    for judge in judges:
        judge.delay = 0.1
    dock.run.mode.setCurrentIndex(dock.run.mode.findData(run_modes.CHARACTERISE))
    with qtbot.waitSignal(dock.run.finished):
        dock.run.start()
        session.change("f1", geometry=Sphere((-170.0, 30.0, 0.0), 9.0))
        session.remove("f2")
    assert session.findings["f1"].malignancy is None
    assert session.findings["f3"].malignancy == pytest.approx(0.12)
    assert [f.id for f in session.findings] == ["f1", "f3", "f4", "f5"]


def test_a_run_goes_on_when_c_is_pressed(dock, judges, predictor, qtbot):
    run(dock, qtbot, run_modes.DETECT)
    predictor.go_on.clear()
    dock.reviewed.session.select("f1")
    with qtbot.waitSignal(dock.run.finished):
        dock.run.start()
        press_c(dock)
        assert dock.run.runner.running
        predictor.go_on.set()
    assert judges[0].asked == []
