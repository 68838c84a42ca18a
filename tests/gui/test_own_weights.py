"""A person's own weights in the window, with the real DHN on a real film: chosen, named, run, compared, and given up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_lungmtl.panel.weights.choice import OWN, SHIPPED
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.inference import registry

from ..stand_ins.fresh_models import shipped_networks
from ..stand_ins.own_weights import own_weights

pytestmark = pytest.mark.timeout(600)
WAIT = 240_000


@pytest.fixture
def image(lungmtl_data):
    """A film of the NIH that lies on its side."""
    return read_image(lungmtl_data / "cxr" / "nih" / "00000061_025.png")


@pytest.fixture
def predictor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The shipped networks of radiographs, as far as this test needs them; afterwards all weights are the shipped ones."""
    yield from shipped_networks(monkeypatch)


@pytest.fixture
def bold(tmp_path: Path) -> Path:
    """DHN, twice as sure of itself."""
    return own_weights(tmp_path / "run7", "dhn", calibration=[1.0, 4.0])


def choose(dock, qtbot, monkeypatch, path: Path, title: str = "DHN") -> None:
    """Open the menu by the mouse and take the network's entry; the file dialog answers with the path."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(path), ""))
    menu = dock.weights.menu
    menu.popup(dock.weights.button.mapToGlobal(QPoint(0, 0)))
    qtbot.waitUntil(menu.isVisible)
    (action,) = [a for a in menu.actions() if a.text().startswith(title) and a.text().endswith("file…")]
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    qtbot.waitUntil(lambda: not dock.weights.reading.running, timeout=WAIT)


def test_chosen_named_run_compared_and_given_up(window, bold, qtbot, monkeypatch):
    _, dock = window
    weights, session = dock.weights, dock.reviewed.session
    assert not weights.isVisibleTo(dock)
    choose(dock, qtbot, monkeypatch, bold)
    version = registry.use_weights("dhn", bold).version
    assert "run7" in version
    assert weights.words.text() == f"⚠ Own weights: DHN {version}"
    assert weights.words.isVisibleTo(dock)
    with qtbot.waitSignal(dock.run.finished, timeout=WAIT):
        QTest.mouseClick(dock.run.button, Qt.MouseButton.LeftButton)
    by_dhn = [f for f in session.findings if f.provenance.model == "dhn"]
    assert by_dhn
    assert {f.provenance.label for f in by_dhn} == {f"dhn {version}"}
    (listed,) = [m for m in session.findings.models if m["name"] == "dhn"]
    assert listed["version"] == version
    before = session.findings
    QTest.mouseClick(weights.compare, Qt.MouseButton.LeftButton)
    assert weights.cancel_button.isVisibleTo(dock)
    qtbot.waitUntil(lambda: not weights.comparing.running, timeout=WAIT)
    sets = dock.compare.sets
    assert (sets.a.currentText(), sets.b.currentText()) == (OWN, SHIPPED)
    assert sets.isVisibleTo(dock)
    rows = [sets.list.item(i).text() for i in range(sets.list.count())]
    assert rows
    assert all(row.startswith("only in A") for row in rows), (
        "the bold ones see the same places, and more above the threshold"
    )
    assert session.findings is before, "nothing is taken into the session"
    session.set_thresholds(score=0.999)
    qtbot.waitUntil(lambda: sets.list.count() < len(rows))
    QTest.mouseClick(weights.back, Qt.MouseButton.LeftButton)
    assert not weights.isVisibleTo(dock)
    assert registry.own_weights("dhn") is None
    assert registry.card("dhn").version == next(i.version for i in registry.models() if i.name == "dhn")


def test_what_cannot_be_used_gets_a_sentence_and_the_former_weights_stay(
    window, bold, tmp_path, qtbot, monkeypatch
):
    _, dock = window
    wrong = own_weights(tmp_path / "other", "mosegnet")
    lonely = tmp_path / "lonely.safetensors"
    lonely.write_bytes(bold.read_bytes())
    damaged = own_weights(tmp_path / "damaged", "dhn")
    damaged.write_bytes(damaged.read_bytes()[:-9] + b"123456789")
    unknown = own_weights(tmp_path / "unknown", "dhn", spirals=3)
    text = tmp_path / "weights.pt"
    text.write_bytes(b"PK")
    for path, words in (
        (wrong, "holds weights of MO-SegNet (mosegnet), not of dhn"),
        (lonely, "lonely.json is missing: weights come with a card of the same name"),
        (damaged, "SHA-256 differs"),
        (unknown, "configuration that this version does not know"),
        (text, "choose a .safetensors file"),
    ):
        choose(dock, qtbot, monkeypatch, path)
        assert words in dock.weights.message.text()
        assert dock.weights.message.property("role") == "error"
        assert dock.weights.message.text().endswith("The shipped networks stay in use.")
        assert registry.own_weights("dhn") is None
    dock.run.started.emit()
    assert not dock.weights.message.text(), "it stood beside a run that it does not concern"
    choose(dock, qtbot, monkeypatch, bold)
    choose(dock, qtbot, monkeypatch, wrong)
    assert dock.weights.message.text().endswith("What is in use stays.")
    assert registry.own_weights("dhn") == bold.resolve()
    assert "run7" in dock.weights.words.text()


def test_a_comparison_is_cancelled_and_dropped(window, bold, qtbot):
    viewer, dock = window
    registry.use_weights("dhn", bold)
    dock.weights.set_reviewed(dock.reviewed)
    QTest.mouseClick(dock.weights.compare, Qt.MouseButton.LeftButton)
    QTest.mouseClick(dock.weights.cancel_button, Qt.MouseButton.LeftButton)
    assert dock.weights.message.text() == "Cancelled."
    assert OWN not in [dock.compare.sets.a.itemText(i) for i in range(dock.compare.sets.a.count())]
    QTest.mouseClick(dock.weights.compare, Qt.MouseButton.LeftButton)
    viewer.layers.clear()
    assert not dock.weights.comparing.running
    assert not dock.weights.isVisibleTo(dock)


def test_a_file_that_was_written_again_is_read_again(bold, tmp_path, predictor):
    """Trained on under the same name: the store does not go on with what it had read."""
    from napari_lungmtl.training.inference import model_store

    first = model_store.store.get("dhn", "cpu", bold)
    assert model_store.store.get("dhn", "cpu", bold) is first
    again = own_weights(tmp_path / "run7", "dhn", calibration=[2.0, 0.0])
    second = model_store.store.get("dhn", "cpu", again)
    assert second.net.config.calibration == (2.0, 0.0)
