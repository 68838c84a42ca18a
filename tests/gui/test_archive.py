"""*Archive…* against a real Orthanc: signed in, found, opened, findings sent and seen there; and what is refused is said."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lungmtl.panel.archive.remembered import remembered, studies_folder
from napari_lungmtl.panel.archive.sending import WAYS
from napari_lungmtl.training.dicomweb.credentials import PASSWORD, USER, Credentials, keep
from napari_lungmtl.training.dicomweb.retrieve import PARTIAL, retrieve_series
from napari_lungmtl.training.dicomweb.server import CA, URL, server_at
from napari_lungmtl.training.dicomweb.store import send
from napari_lungmtl.training.export_options import Which
from napari_lungmtl.training.findings import Finding, Sphere
from napari_lungmtl.training.inference.predictor import finish
from tests.stand_ins import orthanc as real
from tests.stand_ins.exchanged import series
from tests.stand_ins.memory_keyring import memory_keyring
from tests.stand_ins.ports import free_port


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory):
    """A real server that has one CT."""
    with real.running_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        files = sorted(series(tmp_path_factory.mktemp("study") / "ct").iterdir())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(URL, running.url)
            patch.setenv(CA, str(running.certificates.ca))
            patch.setenv(USER, real.USER)
            patch.setenv(PASSWORD, real.PASSWORD)
            finish(send(server_at(), files))
        yield running


@pytest.fixture
def dialog(orthanc, window, monkeypatch, tmp_path):
    """The dialog, with the server's address from the environment and nobody signed in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv(URL, orthanc.url)
    monkeypatch.setenv(CA, str(orthanc.certificates.ca))
    for name in (USER, PASSWORD):
        monkeypatch.delenv(name, raising=False)
    _, dock = window
    with memory_keyring():
        yield next(b for b in dock.hand_on.buttons if b.text() == "Archive…").open()


def press(dialog, button, qtbot) -> str:
    """Press a button and wait until nothing goes on: what the dialog says then."""
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not dialog.worker.running)
    return dialog.told.text()


def rows(dialog) -> list[list[str]]:
    """What is listed below the studies."""
    items = [
        item for n in range(dialog.results.topLevelItemCount()) for item in (dialog.results.topLevelItem(n),)
    ]
    return [[item.child(n).text(c) for c in (0, 3, 4)] for item in items for n in range(item.childCount())]


def test_the_whole_circle(dialog, window, qtbot):
    viewer, dock = window
    assert "is no DICOM series" in dialog.sending.count.text()
    assert not dialog.sending.button.isEnabled()
    assert "does not accept user and password" in press(dialog, dialog.look, qtbot)

    QTest.mouseClick(dialog.server.unfold, Qt.MouseButton.LeftButton)
    dialog.server.user.setText(real.USER)
    dialog.server.password.setText("wrong")
    assert "does not accept user and password" in press(dialog, dialog.server.enter, qtbot)
    dialog.server.password.setText(real.PASSWORD)
    assert press(dialog, dialog.server.enter, qtbot) == "Signed in. 1 study found."
    assert dialog.server.password.text() == ""
    assert dialog.server.fields.isHidden()

    dialog.name.setText("nobody")
    assert press(dialog, dialog.look, qtbot) == "Nothing is found."
    assert not dialog.take.isEnabled()
    dialog.name.setText("weber")
    dialog.dates.setText("2024-05-06")
    assert press(dialog, dialog.look, qtbot) == "1 study found."
    assert [row[1:] for row in rows(dialog)] == [["CT", "8"]]
    assert dialog.results.topLevelItem(0).text(0).startswith("Weber, Änne")

    assert "Opened." in press(dialog, dialog.take, qtbot)
    image = dock.reviewed.session.image
    assert (image.shape[0], image.metadata["patient_id"]) == (8, "KH-471108")
    assert image.source.is_relative_to(studies_folder())
    assert dialog.isVisible(), "it stays where the image comes under review"
    assert press(dialog, dialog.take, qtbot) == "This series is open."
    assert len(viewer.layers) == len({layer.name for layer in viewer.layers})

    session, middle = dock.reviewed.session, np.asarray(image.shape) / 2
    assert not dialog.sending.button.isEnabled()
    mine = [Finding(Sphere(tuple(image.to_world(middle + k)), 6.0), note="seen") for k in range(2)]
    session.edit(add=mine)
    session.reject(mine[1].id)
    dialog.sending.which.setCurrentIndex(WAYS.index(Which.SHOWN))
    assert "1 finding of 2 as SEG and SR" in dialog.sending.count.text()
    assert press(dialog, dialog.sending.button, qtbot).startswith("1 finding sent: SEG, SR.")
    assert sorted(row[1] for row in rows(dialog)) == ["CT", "SEG", "SR"]
    assert dialog.results.series.modality == "CT", "what was sent cannot be opened as an image"

    # Another window finds the address, and no password.
    assert remembered()[0] == server_at().url
    settings = studies_folder().parent / "settings"
    assert all(real.PASSWORD not in file.read_text() for file in settings.rglob("*.json"))


def test_cancelled_refused_and_unknown(dialog, qtbot, monkeypatch):
    go = threading.Event()

    def slowly(*arguments):
        for step in retrieve_series(*arguments):
            yield step
            if step.fraction > 0:
                go.wait(30)

    monkeypatch.setattr("napari_lungmtl.panel.archive.dialog.retrieve_series", slowly)
    keep(server_at(), Credentials(real.USER, real.PASSWORD))
    assert press(dialog, dialog.look, qtbot) == "1 study found."
    QTest.mouseClick(dialog.take, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(list(studies_folder().glob(f"{PARTIAL}*/*"))))
    assert not dialog.look.isEnabled()
    assert press(dialog, dialog.stop, qtbot) == "Cancelled."
    go.set()
    qtbot.waitUntil(lambda: not list(studies_folder().glob("*")))

    dialog.server.url.setText("http://pacs.example.org")
    assert "in the clear" in press(dialog, dialog.look, qtbot)
    dialog.server.url.setText(f"https://localhost:{free_port()}")
    assert "connection refused" in press(dialog, dialog.look, qtbot)
