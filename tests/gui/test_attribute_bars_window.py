"""The attribute bars in a real window: drawn after a selection, kept at their size, and safe to delete."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.layers import planes
from napari_lungmtl.layers.attributes import layout
from napari_lungmtl.layers.attributes.bars import NAME

VALUES = {
    "subtlety": 4.8,
    "internalStructure": 1.0,
    "calcification": 6.0,
    "sphericity": 3.6,
    "margin": 3.1,
    "lobulation": 2.7,
    "spiculation": 4.1,
    "texture": 4.7,
}


@pytest.fixture
def judged(after_run, qtbot):
    """The window after a run whose first and third findings have attributes, the first one selected and in sight."""
    viewer, dock = after_run
    session = dock.reviewed.session
    session.change("f1", attributes=VALUES, malignancy=0.8)
    session.change("f3", attributes={**VALUES, "texture": 1.2}, malignancy=0.1)
    viewer.window.resize(1280, 800)
    viewer.reset_view()
    viewer.scene.camera.zoom = 10
    session.select("f1")
    qtbot.waitUntil(lambda: dock.bars.layer is not None)
    return viewer, dock


def right(viewer, dock) -> float:
    """Width of the strips on the screen in pixels."""
    strips = np.concatenate(dock.bars.layer.data[:8])
    column = viewer.dims.displayed[1]
    return float(np.ptp(strips[:, column]) * dock.bars.layer.scale[column] * viewer.scene.camera.zoom)


def written(dock) -> list[str]:
    return [str(text).strip() for text in dock.bars.layer.text.values]


def test_the_bars_are_seen_beside_the_nodule(judged, qtbot):
    viewer, dock = judged
    picture = viewer.screenshot(flash=False).astype(int)
    dock.bars.layer.visible = False
    bare = viewer.screenshot(flash=False).astype(int)
    changed = np.abs(picture - bare).max(axis=2) > 30
    rows, columns = np.nonzero(changed)
    # As large as laid out, give or take the shade of dark strips on dark lung.
    assert 0.6 * layout.SIZE[0] < np.ptp(rows) <= layout.SIZE[0] * 1.1
    assert 0.6 * layout.SIZE[1] < np.ptp(columns) <= layout.SIZE[1] * 1.1
    blue = changed & (picture[..., 2] > picture[..., 0] + 40)
    assert blue.sum() > 2000, "bars"
    white = changed & (picture[..., :3].min(axis=2) > 200)
    assert white.sum() > 300, "letters"


def test_they_follow_zoom_slice_and_selection_by_themselves(judged, qtbot):
    viewer, dock = judged
    assert written(dock)[-1] == "4.7"
    size = right(viewer, dock)
    viewer.scene.camera.zoom = 17
    qtbot.waitUntil(lambda: right(viewer, dock) == pytest.approx(size, rel=1e-3))
    dock.reviewed.session.select("f3")
    qtbot.waitUntil(lambda: written(dock)[-1] == "1.2")
    dock.reviewed.session.select("f2")  # nothing judged it
    qtbot.waitUntil(lambda: len(dock.bars.layer.data) == 0)
    dock.reviewed.session.select("f1")
    qtbot.waitUntil(lambda: len(dock.bars.layer.data) == 16)
    viewer.dims.set_point(0, viewer.dims.point[0] + 20)
    qtbot.waitUntil(lambda: len(dock.bars.layer.data) == 0)


def test_every_plane_and_3d(judged, qtbot):
    viewer, dock = judged
    for plane in ("coronal", "sagittal", "axial"):
        planes.show(viewer, plane)
        # Along the axis across the slices all corners lie in the slice.
        across = viewer.dims.not_displayed[0]
        qtbot.waitUntil(
            lambda a=across: (
                len(dock.bars.layer.data) == 16
                and np.ptp(np.concatenate(dock.bars.layer.data)[:, a]) == pytest.approx(0)
            )
        )
    planes.show(viewer, "3-D")
    qtbot.waitUntil(lambda: len(dock.bars.layer.data) == 0)


def test_many_changes_are_drawn_once(judged, qtbot):
    viewer, dock = judged
    drawn = []
    dock.bars.layer.events.set_data.connect(drawn.append)
    for zoom in np.linspace(10, 16, 20):
        viewer.scene.camera.zoom = zoom
    assert not drawn
    qtbot.waitUntil(lambda: len(drawn) == 1)
    qtbot.wait(50)
    assert len(drawn) == 1


def test_deleting_the_layers_crashes_nothing(judged, qtbot):
    """Of image, spheres and bars a person deletes all but the image, in either order, and goes on."""
    viewer, dock = judged
    for first in ("nodules", NAME):
        dock.reviewed.session.show_overlays(False)
        dock.reviewed.session.show_overlays(True)
        dock.reviewed.session.select("f3")
        qtbot.waitUntil(lambda: dock.bars.layer is not None and dock.reviewed.binding.layer is not None)
        names = sorted(("nodules", NAME), key=lambda name: name != first)
        for name in names:
            viewer.layers.remove(viewer.layers[name])
            QApplication.processEvents()
            viewer.screenshot(flash=False)
        dock.reviewed.session.select("f1")
        qtbot.wait(20)
        viewer.screenshot(flash=False)
        assert NAME not in viewer.layers
    assert len(dock.reviewed.session.findings) == 5


def test_closing_the_image_takes_the_bars_along(judged, qtbot):
    viewer, dock = judged
    viewer.layers.remove(dock.reviewed.layer)
    qtbot.wait(20)
    assert NAME not in viewer.layers
    viewer.screenshot(flash=False)


def test_the_layer_leaves_the_active_one_alone_and_findings_too(judged):
    viewer, dock = judged
    assert viewer.layers.selection.active is dock.reviewed.layer
    before = dock.reviewed.session.findings
    viewer.layers.selection.active = dock.bars.layer
    assert dock.reviewed is not None
    assert not dock.bars.layer.editable
    viewer.window.resize(1100, 760)
    QApplication.processEvents()
    assert dock.reviewed.session.findings is before
