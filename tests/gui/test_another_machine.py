"""Run on another machine: its key file is chosen where the device is, and its findings come like those from here."""

from dataclasses import replace

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_lungmtl.jobs.machines import folder
from napari_lungmtl.panel.widgets.device_box import ANOTHER, DeviceBox
from napari_lungmtl.training.inference import registry
from napari_lungmtl.training.remote.key_file import write_key

from ..stand_ins.remote_worker import INFO, WAITS, put_toy_beside


@pytest.fixture
def toy(window, monkeypatch):
    """The toy alone is at hand, here as there."""
    put_toy_beside(monkeypatch.setattr)
    monkeypatch.setattr(registry, "models", lambda: (INFO,))


def choose_machine(box, file, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_, **__: (str(file), ""))
    box.setCurrentIndex(box.findText(ANOTHER))
    box.activated.emit(box.currentIndex())


def test_run_there_cancel_and_what_is_said(window, toy, remote_server, qtbot, monkeypatch, tmp_path):
    _, dock = window
    run, session = dock.run, dock.reviewed.session
    choose_machine(run.device, tmp_path / "nothing.key", monkeypatch)
    assert "does not exist" in run.message.text()
    assert run.device.currentText() == "auto"

    file = tmp_path / "Schlüssel.key"
    write_key(remote_server.key, file)
    choose_machine(run.device, file, monkeypatch)
    assert run.device.currentText() == remote_server.key.name
    assert run.chosen_device == "auto"
    assert remote_server.key.address in run.device.toolTip()

    session.image.voxels[0, 0, 0] = WAITS
    stages = []
    run.runner.progressed.connect(lambda step: stages.append(step.stage))
    run.start()
    qtbot.waitUntil(lambda: "detecting" in run.stage.text(), timeout=60_000)
    assert any(stage.startswith("sending") for stage in stages)
    assert not run.button.isEnabled()
    assert run.summary.text().endswith(f", {remote_server.key.name}")
    ended = remote_server.log().count(f"ended {WAITS}")
    run.cancel_button.click()
    qtbot.waitUntil(lambda: remote_server.log().count(f"ended {WAITS}") == ended + 1, timeout=60_000)
    assert len(session.findings) == 0

    session.image.voxels[0, 0, 0] = 1000
    with qtbot.waitSignal(run.finished, timeout=60_000):
        run.start()
    assert [f.score for f in session.findings] == [0.1]
    assert session.findings.image.series_uid == session.image.series_uid == "1.2.3"

    fresh = DeviceBox()  # of the next window
    assert fresh.findText(remote_server.key.name) >= 0
    qtbot.addWidget(fresh)
    for kept in folder().iterdir():
        assert kept.stat().st_mode & 0o077 == 0
        kept.unlink()

    write_key(replace(remote_server.key, address="tls://127.0.0.1:1"), file)
    choose_machine(run.device, file, monkeypatch)
    with qtbot.waitSignal(run.runner.failed, timeout=60_000):
        run.start()
    assert run.message.text().startswith("No networks answer at 127.0.0.1:1")
    assert len(session.findings) == 1
