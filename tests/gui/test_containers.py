"""A container in the window: chosen as other networks are, run in the place of ours, cancelled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QScrollArea

from napari_lungmtl.jobs.run_modes import DETECT

from ..stand_ins.containers import BALLS, DIGEST, Engine, with_balls, write_card
from ..stand_ins.fresh_models import shipped_networks

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.name == "nt", reason="the stand-in engine is a shell script"),
]
WAIT = 120_000


@pytest.fixture
def image():
    """A CT with two balls."""
    return with_balls()


@pytest.fixture
def predictor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shipped networks; afterwards no other is in use."""
    yield from shipped_networks(monkeypatch)


def choose(dock, qtbot, monkeypatch: pytest.MonkeyPatch, card: Path) -> None:
    """Take the entry of the menu; the dialog of files answers with the card."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(card), ""))
    dock.weights.menu.aboutToShow.emit()
    (action,) = [a for a in dock.weights.menu.actions() if "container" in a.text()]
    action.trigger()
    qtbot.waitUntil(lambda: not dock.weights.reading.running, timeout=WAIT)


def test_a_container_runs_in_the_place_of_ours_and_is_cancelled(window, tmp_path, qtbot, monkeypatch):
    _, dock = window
    card = write_card(tmp_path / "grt.container.json")
    monkeypatch.setenv("PATH", str(tmp_path))
    choose(dock, qtbot, monkeypatch, card)
    assert "docker is not installed here" in dock.weights.message.text()
    Engine(tmp_path, monkeypatch, "grt123")
    choose(
        dock, qtbot, monkeypatch, write_card(tmp_path / "o.container.json", image=f"other@sha256:{DIGEST}")
    )
    assert "'docker pull other@sha256:" in dock.weights.message.text()
    room = dock.findChild(QScrollArea).viewport().width()
    assert dock.weights.minimumSizeHint().width() <= room, "a digest does not push the dock out of the window"
    expected = dock.show_section.expected
    basis = dock.operating_point.curve.basis
    assert expected.text().startswith("At 0.5"), "our detector's"
    assert "other weights" not in basis.text()
    choose(dock, qtbot, monkeypatch, card)
    assert "A run would use other weights" in basis.text()
    assert (expected.text(), expected.isVisibleTo(dock)) == ("", False), "before a run too"
    assert dock.weights.words.text().startswith("⚠ In the place of our networks: CT lung cancer risk 2.0.0+")
    dock.run.mode.setCurrentIndex(dock.run.mode.findData(DETECT))
    with qtbot.waitSignal(dock.run.finished, timeout=WAIT):
        QTest.mouseClick(dock.run.button, Qt.MouseButton.LeftButton)
    session = dock.reviewed.session
    assert [f.provenance.model for f in session.findings] == ["grt123"] * 2
    for finding, (place, _) in zip(session.findings, BALLS, strict=True):
        assert np.abs(np.subtract(finding.center, place)).max() < 0.3
    assert any("probability of cancer is 0.96 for this scan" in note for note in session.findings.notes)
    before = session.findings
    other = tmp_path / "other"
    other.mkdir()
    engine = Engine(other, monkeypatch, "hangs")
    QTest.mouseClick(dock.run.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "working as" in dock.run.stage.text(), timeout=WAIT)
    qtbot.waitUntil(lambda: bool(engine.running), timeout=WAIT)
    QTest.mouseClick(dock.run.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dock.run.runner.running, timeout=WAIT)
    qtbot.waitUntil(lambda: not engine.running, timeout=WAIT)
    assert session.findings is before
