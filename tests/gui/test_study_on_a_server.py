"""A study on a server: its first slice is on the canvas after a small share of it, and networks get the whole."""

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QProgressDialog

from napari_lungmtl.app import _read
from napari_lungmtl.layers import filling
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.dock import LungNodulesDock
from napari_lungmtl.panel.widgets import copying
from napari_lungmtl.training.imaging.dicom.write_series import write_series
from napari_lungmtl.training.imaging.formats.ome_zarr import stream
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.streamed import fraction_of
from napari_lungmtl.training.storage.fetch import CopyStoppedError

from ..stand_ins.chunked_store import write_chunked
from ..stand_ins.servers import web_server

SLABS, IN_SLAB, TOGETHER = 20, 4, 4


@pytest.fixture
def big() -> Image:
    """40 slices in slabs of two, each of four chunks; every slice has its own grey."""
    voxels = np.full((40, 64, 64), -1000, np.int16)
    voxels[:, 8:56, 8:56] = (np.arange(40) * 10 - 300)[:, None, None]
    return Image(voxels, "CT", (2.0, 1.0, 1.0), (-40.0, 3.0, 5.0), series_uid="1.2.3")


@pytest.fixture
def server(big, tmp_path):
    write_chunked(big, tmp_path / "große Ärzte" / "a b.ome.zarr", (2, 32, 32))
    with web_server(tmp_path) as server:
        yield server


@pytest.fixture
def served_series(big, tmp_path):
    """The address of a DICOM series."""
    write_series(big, tmp_path / "dicom")
    with web_server(tmp_path) as server:
        yield server.url("dicom")


@pytest.fixture
def dock(shared_viewer, predictor, qtbot):
    """A dock without an image."""
    dock = LungNodulesDock(shared_viewer)
    shared_viewer.window.add_dock_widget(dock, name="Lung nodules", area="right")
    qtbot.waitUntil(dock.isVisible)
    yield dock
    shared_viewer.window.remove_dock_widget(dock)
    dock.close()
    shared_viewer.layers.clear()


def middle(viewer) -> int:
    """The grey in the middle of the real canvas."""
    picture = viewer.screenshot(canvas_only=True, flash=False)
    return int(picture[picture.shape[0] // 2, picture.shape[1] // 2, 0])


def test_the_first_slice_is_seen_early_and_a_run_gets_all(shared_viewer, dock, server, big, predictor, qtbot):
    viewer = shared_viewer
    server.hold()
    image = _read(server.url("große Ärzte", "a b.ome.zarr"), None, ask=False)
    add_image_layer(viewer, image)
    assert np.array_equal(image.origin, big.origin)
    assert image.spacing == big.spacing
    assert middle(viewer) < 60  # air
    assert "0\u00a0% read" in dock.corners.texts["where"]

    server.let(IN_SLAB)  # one slab of twenty
    qtbot.waitUntil(lambda: middle(viewer) > 200)
    assert len(server.answered) == IN_SLAB
    qtbot.waitUntil(lambda: "5\u00a0% read" in dock.corners.texts["where"])

    viewer.dims.set_point(0, 18.0)  # slice 29: what is looked at comes next but the one that was asked for
    assert middle(viewer) < 60
    server.let((TOGETHER + 1) * IN_SLAB)
    qtbot.waitUntil(lambda: middle(viewer) > 200)
    assert fraction_of(image) == (1 + TOGETHER + 1) / SLABS

    dock.cases.sync()
    (case,) = dock.cases.model.rows
    dock.cases.table.delegate.wanted.emit(case)
    QApplication.processEvents()
    assert case.thumbnail is None  # of a part it would be air, for good

    seen = []
    predictor.steps, run = 1, predictor.run

    def looking(given):
        seen.append(given.voxels.copy())
        return (yield from run(given))

    predictor.run = looking
    dock.run.start()
    qtbot.waitUntil(lambda: "reading from the server" in dock.run.stage.text())
    assert not seen
    server.let_all()
    qtbot.waitUntil(lambda: len(dock.reviewed.session.findings) > 0)
    assert np.array_equal(seen[0], big.voxels)
    assert len(server.answered) == SLABS * IN_SLAB  # each once
    qtbot.waitUntil(lambda: "read from" not in dock.study_section._facts.text())
    dock.cases.table.delegate.wanted.emit(case)
    qtbot.waitUntil(lambda: case.thumbnail is not None)


def test_napari_opens_an_address_and_closing_the_layer_ends_the_reading(
    shared_viewer, dock, server, big, qtbot
):
    viewer = shared_viewer
    server.hold()
    (layer,) = viewer.open(server.url("große Ärzte", "a b.ome.zarr"), plugin="napari-lungmtl")
    image = dock.reviewed.session.image
    assert tuple(layer.scale) == big.spacing
    server.let(IN_SLAB)
    qtbot.waitUntil(lambda: fraction_of(image) > 0)
    viewer.layers.remove(layer)
    server.let(TOGETHER * IN_SLAB)  # what was asked for
    qtbot.waitUntil(lambda: not filling._going)
    server.let_all()
    qtbot.wait(200)
    assert len(server.answered) <= (1 + 2 * TOGETHER) * IN_SLAB


def test_a_server_that_fails_is_told_and_run_goes_on_from_there(
    shared_viewer, dock, server, big, predictor, qtbot, monkeypatch
):
    monkeypatch.setattr(stream, "WAIT", 0.0)
    server.refuse["/0/3/"] = 503
    told = []
    monkeypatch.setattr(filling, "show_error", told.append)
    image = _read(server.url("große Ärzte", "a b.ome.zarr"), None, ask=False)
    add_image_layer(shared_viewer, image)
    qtbot.waitUntil(lambda: bool(told))
    assert "does not answer" in told[0]
    assert "% was read" in told[0]
    server.refuse.clear()
    dock.run.start()
    qtbot.waitUntil(lambda: len(dock.reviewed.session.findings) > 0)
    assert np.array_equal(image.voxels, big.voxels)
    qtbot.waitUntil(lambda: not filling._going)


def test_copying_dicom_shows_a_dialog_with_cancel(qtbot, served_series, monkeypatch):
    monkeypatch.setattr(copying, "PATIENCE_MS", 0)
    seen = []

    def press() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QProgressDialog):
            seen.append(dialog.labelText())
            dialog.cancel()
        else:
            QTimer.singleShot(5, press)

    QTimer.singleShot(0, press)
    with pytest.raises(CopyStoppedError, match="was not opened"):
        _read(served_series, None, ask=False)
    assert seen
