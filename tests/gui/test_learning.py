"""Learning from reviews in the window: a folder is chosen by the menu, progress and cancel, before and after, and what follows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_lungmtl.training.inference import registry

from ..stand_ins.fresh_models import fresh_model_store
from ..stand_ins.learning_network import (
    LOOK_ALIKE,
    NAME,
    NODULE,
    OTHER,
    TITLE,
    learning_network,
    reviewed_scan,
)

WAIT = 60_000


@pytest.fixture
def predictor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The network that learns, beside the shipped ones."""
    fresh_model_store(monkeypatch)
    with learning_network(tmp_path / "networks", monkeypatch):
        yield


def choose(dock, qtbot, monkeypatch, folder: Path) -> None:
    """Take the network's entry by the mouse; the file dialog answers with the folder."""
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(folder))
    menu = dock.weights.menu
    menu.popup(dock.weights.button.mapToGlobal(QPoint(0, 0)))
    qtbot.waitUntil(menu.isVisible)
    (action,) = [a for a in menu.actions() if a.text() == f"{TITLE}: learn from reviewed…"]
    QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())


def test_learn_and_use_or_be_told_why_not(window, tmp_path, qtbot, monkeypatch):
    _, dock = window
    learning = dock.weights.learning
    assert not dock.weights.isVisibleTo(dock)
    studies = tmp_path / "studies"
    for i in range(10):
        reviewed_scan(studies, f"s{i}", (NODULE, LOOK_ALIKE, OTHER))

    choose(dock, qtbot, monkeypatch, studies)
    assert learning.cancel_button.isVisibleTo(dock)
    assert learning.words.text().startswith(f"{TITLE} learns")
    QTest.mouseClick(learning.cancel_button, Qt.MouseButton.LeftButton)
    assert "goes on where it stood" in learning.words.text()

    choose(dock, qtbot, monkeypatch, studies)
    qtbot.waitUntil(lambda: not learning.worker.running, timeout=WAIT)
    assert learning.words.text().splitlines() == [
        f"{TITLE}: Better.",
        "Held-back reviewed studies (3 images): 3 → 3 of 3 found, 6 → 3 other marks.",
        "The shipped dev set (1 image): 1 → 1 of 1 found, 0 → 0 other marks.",
    ]
    assert registry.own_weights(NAME) is None, "nothing is switched without being asked"
    QTest.mouseClick(learning.use, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: registry.own_weights(NAME) is not None, timeout=WAIT)
    assert registry.own_weights(NAME).is_relative_to(tmp_path / "napari-lungmtl" / "learned" / NAME)
    assert TITLE in dock.weights.words.text()
    assert not learning.isVisibleTo(dock)

    (tmp_path / "networks" / "kinds.txt").write_text(f"{NODULE} {LOOK_ALIKE} {OTHER}")
    reviewed_scan(studies, "s10", (NODULE, LOOK_ALIKE))
    in_use = registry.own_weights(NAME)
    choose(dock, qtbot, monkeypatch, studies)
    qtbot.waitUntil(lambda: not learning.worker.running, timeout=WAIT)
    assert f"{TITLE}: No gain shown on the held-back studies" in learning.words.text()
    assert not learning.use.isVisibleTo(dock)
    assert registry.own_weights(NAME) == in_use
    QTest.mouseClick(learning.close_button, Qt.MouseButton.LeftButton)
    assert not learning.isVisibleTo(dock)

    choose(dock, qtbot, monkeypatch, tmp_path / "networks")
    qtbot.waitUntil(lambda: not learning.worker.running, timeout=WAIT)
    assert "holds no reviewed study for Spots-Net" in learning.words.text()
    assert learning.words.property("role") == "error"
