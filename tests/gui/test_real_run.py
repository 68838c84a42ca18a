"""The real models on a real scan that no training has seen: what the window draws, in world millimetres."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from napari_lungmtl.training.inference import registry

CENTER = np.array([-190.46, 76.90, 72.29])  # z, y, x in LPS mm
DIAMETER = 21.45

DATA = os.environ.get("LUNGMTL_DATA")
SERIES = Path(DATA or "") / "dicom" / "LIDC-IDRI-0003"
pytestmark = [
    pytest.mark.skipif(not DATA or not SERIES.is_dir(), reason="LUNGMTL_DATA does not lead to the test data"),
    pytest.mark.timeout(900),
]


@pytest.mark.skipif(not registry.models(), reason="no weights are at hand")
def test_the_annotated_nodule_of_lidc_idri_0003_is_drawn(shared_viewer, qtbot):
    from napari_lungmtl.layers.spheres.layer import add_image_layer
    from napari_lungmtl.panel.dock import LungNodulesDock
    from napari_lungmtl.training.imaging import read_image

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
    finally:
        viewer.window.remove_dock_widget(dock)
        dock.close()
        viewer.layers.clear()
