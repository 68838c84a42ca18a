"""The real models on a real scan that no training has seen: what the window draws, in world millimetres."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.panel.dock import LungNodulesDock
from napari_lungmtl.session.autosave import finish_writing
from napari_lungmtl.training.findings.formats.json_file import read_findings
from napari_lungmtl.training.imaging import read_image
from napari_lungmtl.training.imaging.radiograph.orientation import AS_STORED
from napari_lungmtl.training.inference import registry

from ..stand_ins.case_folder import load
from ..stand_ins.dock_input import press

CENTER = np.array([-190.46, 76.90, 72.29])  # z, y, x in LPS mm
DIAMETER = 21.45

DATA = os.environ.get("LUNGMTL_DATA")
SERIES = Path(DATA or "") / "dicom" / "LIDC-IDRI-0003"
pytestmark = [
    pytest.mark.skipif(not DATA or not SERIES.is_dir(), reason="LUNGMTL_DATA does not lead to the test data"),
    pytest.mark.timeout(900),
]


CTRL = Qt.KeyboardModifier.ControlModifier


def activate(dock, qtbot) -> None:
    """Keys go to the active window."""
    dock.window().activateWindow()
    qtbot.waitUntil(dock.window().isActiveWindow)


@pytest.mark.skipif(not registry.models(), reason="no weights are at hand")
def test_the_annotated_nodule_of_lidc_idri_0003_is_drawn(shared_viewer, qtbot):
    viewer = shared_viewer
    add_image_layer(viewer, read_image(SERIES))
    dock = LungNodulesDock(viewer)
    viewer.window.add_dock_widget(dock, name="Lung nodules", area="right")
    try:
        messages: list[str] = []
        dock.run.runner.failed.connect(messages.append)
        dock.run.start()
        qtbot.waitUntil(lambda: not dock.run.runner.running, timeout=800_000)
        assert not messages
        layer = dock.reviewed.binding.layer
        centers = np.array([layer.data_to_world(point) for point in layer.data]).reshape(-1, 3)
        inside = np.linalg.norm(centers - CENTER, axis=1) < DIAMETER / 2
        assert inside.any(), centers
        assert (~inside).sum() <= 4
        judges = {info.name for info in registry.models() if info.task == "characterisation"}
        for finding in dock.reviewed.session.findings:
            assert {opinion.model for opinion in finding.opinions} == judges
            assert (finding.malignancy is not None) == bool(judges)
        found = dock.reviewed.session.findings
        activate(dock, qtbot)
        press(dock, Qt.Key.Key_Z, CTRL)
        assert not len(dock.reviewed.session.findings)
        assert not len(dock.reviewed.binding.layer.data)
        press(dock, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
        assert dock.reviewed.session.findings == found
        assert len(dock.reviewed.binding.layer.data) == len(layer.data) > 0
    finally:
        viewer.window.remove_dock_widget(dock)
        dock.close()
        viewer.layers.clear()


FILM = Path(DATA or "") / "cxr" / "nih" / "00000061_025.png"


@pytest.mark.skipif(not FILM.is_file(), reason="LUNGMTL_DATA does not lead to the radiograph")
@pytest.mark.skipif(len(registry.models()) < 2, reason="no weights are at hand")
def test_run_on_all_of_a_real_film_is_undone_where_it_is_open_and_kept_where_it_is_not(
    shared_viewer, qtbot, tmp_path
):
    """The film lies on its side: it is turned first, and that stays."""
    shutil.copy(FILM, tmp_path / FILM.name)
    viewer = shared_viewer
    add_image_layer(viewer, read_image(tmp_path / FILM.name))
    dock = LungNodulesDock(viewer)
    viewer.window.add_dock_widget(dock, name="Lung nodules", area="right")
    try:
        activate(dock, qtbot)
        session = dock.reviewed.session
        turned = session.orientation
        assert turned != AS_STORED
        load(dock, tmp_path, qtbot)
        with qtbot.waitSignal(dock.cases.batch.ended, timeout=300_000) as ended:
            dock.cases.run_all.click()
        assert ended.args[0] == "Done: 1 of 1 run."
        found = session.findings
        assert found.image_scores
        press(dock, Qt.Key.Key_Z, CTRL)
        assert not len(session.findings)
        assert not session.findings.image_scores
        assert session.orientation == turned
        press(dock, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
        assert session.findings == found
        file = session.sidecar
        viewer.layers.clear()
        finish_writing()
        assert read_findings(file).items == found.items
    finally:
        viewer.window.remove_dock_widget(dock)
        dock.close()
        viewer.layers.clear()
