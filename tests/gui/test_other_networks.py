"""A network of another make in the window: chosen as own weights are, run in the place of ours, compared with them, given up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_lungmtl.panel.weights.choice import OURS
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.inference import registry

from ..stand_ins.fresh_models import shipped_networks
from ..stand_ins.onnx_files import RADIOGRAPH, VOLUME, write_onnx

pytestmark = pytest.mark.timeout(600)
WAIT = 240_000


@pytest.fixture
def image(lungmtl_data):
    """A film of the NIH."""
    return read_image(lungmtl_data / "cxr" / "nih" / "00000061_025.png")


@pytest.fixture
def predictor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shipped networks of radiographs; afterwards no other is in use."""
    yield from shipped_networks(monkeypatch)


def choose(dock, qtbot, monkeypatch, path: Path, what: str) -> None:
    """Open the menu by the mouse and take an entry; the dialog of files or folders answers with the path."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(path))
    menu = dock.weights.menu
    menu.popup(dock.weights.button.mapToGlobal(QPoint(0, 0)))
    qtbot.waitUntil(menu.isVisible)
    (action,) = [a for a in menu.actions() if what in a.text()]
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    qtbot.waitUntil(lambda: not dock.weights.reading.running, timeout=WAIT)


def test_chosen_run_compared_with_ours_and_given_up(window, tmp_path, qtbot, monkeypatch):
    _, dock = window
    weights, session = dock.weights, dock.reviewed.session
    damaged = write_onnx(tmp_path / "damaged.onnx", RADIOGRAPH, sha256="0" * 64)
    choose(dock, qtbot, monkeypatch, damaged, "ONNX")
    assert "SHA-256 differs" in weights.message.text()
    nothing = tmp_path / "no bundle"
    nothing.mkdir()
    choose(dock, qtbot, monkeypatch, nothing, "folder")
    assert "is no MONAI bundle" in weights.message.text()
    choose(dock, qtbot, monkeypatch, write_onnx(tmp_path / "net.onnx", RADIOGRAPH), "ONNX")
    (other,) = [info for info in registry.models() if registry.is_other(info)]
    assert weights.words.text() == f"⚠ In the place of our networks: Brightest place {other.version}"
    assert weights.words.isVisibleTo(dock)
    assert "Brightest place" in dock.run.mode.currentText()
    with qtbot.waitSignal(dock.run.finished, timeout=WAIT):
        QTest.mouseClick(dock.run.button, Qt.MouseButton.LeftButton)
    assert {f.provenance.label for f in session.findings} == {f"brightest {other.version}"}
    before = session.findings
    QTest.mouseClick(weights.compare, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not weights.comparing.running, timeout=WAIT)
    sets = dock.compare.sets
    assert (sets.a.currentText(), sets.b.currentText()) == ("Brightest place", OURS)
    by_name = sets._runs
    assert {f.provenance.model for f in by_name["Brightest place"]} == {"brightest"}
    assert {f.provenance.model for f in by_name[OURS]} == {"dhn", "mosegnet"}
    assert sets.list.count() > 0
    assert session.findings is before, "nothing is taken into the session"
    choose(dock, qtbot, monkeypatch, tmp_path, "back to our networks")
    assert not weights.words.isVisibleTo(dock)
    assert "Brightest place" not in dock.run.mode.currentText()
    choose(dock, qtbot, monkeypatch, write_onnx(tmp_path / "ct.onnx", VOLUME), "ONNX")
    assert [i.modalities for i in registry.models() if registry.is_other(i)] == [("CT",)]
    assert not weights.words.isVisibleTo(dock), "it takes no radiographs"
    choose(dock, qtbot, monkeypatch, write_onnx(tmp_path / "ct2.onnx", VOLUME, name="second"), "ONNX")
    assert [i.name for i in registry.models() if registry.is_other(i)] == ["second"], (
        "one at a time for a kind of image"
    )
