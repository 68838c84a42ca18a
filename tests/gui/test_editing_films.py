"""Editing boxes and masks of a radiograph that is turned, with real mouse and keys: all agree after each edit and undo."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_lungmtl.canvas.frame import Frame
from napari_lungmtl.panel.findings.section import ID
from napari_lungmtl.training.findings import Finding, Mask
from napari_lungmtl.training.findings.formats.json_file import read_findings

from ..stand_ins.dock_input import press, rest, undo_and_redo
from ..stand_ins.reviewed_radiographs import radiograph, radiograph_networks

KEY, CTRL, SHIFT = Qt.Key, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def image():
    """The image that `window` opens."""
    return radiograph()


@pytest.fixture
def predictor(monkeypatch):
    """Both networks of radiographs."""
    return radiograph_networks(monkeypatch)


def drag(viewer, dock, start, end) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Press, move and release over world points (y, x) of a film that may be turned; where the pixels really were."""
    widget = dock.corners.parentWidget()
    frame = Frame.of_canvas(viewer, (widget.height(), widget.width()), 2)
    pixels = [QPoint(*np.round(frame.to_screen(p)).astype(int).tolist()) for p in (start, end)]
    QTest.mouseMove(widget, pixels[0])
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=pixels[0])
    for step in range(1, 7):
        QTest.mouseMove(widget, pixels[0] + (pixels[1] - pixels[0]) * (step / 6))
        rest(20)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=pixels[1])
    rest(50)
    first, last = (frame.to_world(p.x(), p.y()) for p in pixels)
    return first, last


def agree(dock) -> tuple[Finding, ...]:
    """The findings, after looking whether boxes, masks, table and file are these."""
    session, drawn = dock.reviewed.session, dock.reviewed.radiograph
    items, layer = session.findings.items, drawn.boxes.layer
    boxes = {f.id: f.box for f in session.visible if f.box is not None}
    rows = dict(zip(layer.features["id"], layer.data, strict=True))
    assert set(rows) == set(boxes)
    for id, box in boxes.items():
        shape = np.asarray(rows[id])[:, -2:]
        np.testing.assert_allclose(shape.min(axis=0), box.low, rtol=1e-4)
        np.testing.assert_allclose(shape.max(axis=0), box.high, rtol=1e-4)
    model = dock.findings.table.model()
    listed = {id for r in range(model.rowCount()) for id in dock.findings.model.ids_of(r)}
    assert listed == {f.id for f in session.visible}
    assert model.rowCount() == 0 or model.index(0, 0).data(ID) in listed
    masks = [f for f in session.visible if isinstance(f.geometry, Mask)]
    held = 0 if drawn.masks.layer is None else np.count_nonzero(drawn.masks.layer.data)
    assert (held > 0) == bool(masks)
    assert session.save()
    if items or session.sidecar.exists():
        assert read_findings(session.sidecar).items == items
    return items


def test_boxes_and_masks_of_a_turned_film_are_drawn_reshaped_copied_and_undone(window, qtbot):
    viewer, dock = window
    session = dock.reviewed.session
    press(dock, KEY.Key_T)
    press(dock, KEY.Key_M)
    image = session.image
    states = [agree(dock)]
    low, high = np.asarray(image.extent[0]), np.asarray(image.extent[1])
    first, last = low + 0.3 * (high - low), low + 0.5 * (high - low)

    press(dock, KEY.Key_Q, SHIFT)
    assert str(dock.reviewed.radiograph.boxes.layer.mode) == "add_rectangle"
    start, end = drag(viewer, dock, first, last)
    qtbot.waitUntil(lambda: len(session.findings) == 1)
    (drawn,) = agree(dock)
    pixel = 1.5 * Frame.of_canvas(viewer, (100, 100), 2).mm
    np.testing.assert_allclose(drawn.box.low, np.minimum(start, end), atol=pixel)
    np.testing.assert_allclose(drawn.box.high, np.maximum(start, end), atol=pixel)
    assert str(dock.reviewed.radiograph.boxes.layer.mode) == "select"
    states.append(agree(dock))

    target = np.asarray(drawn.box.high) + 0.1 * (high - low)
    drag(viewer, dock, drawn.box.high, target)  # a corner handle
    qtbot.waitUntil(lambda: session.findings[0].box != drawn.box)
    wider = agree(dock)[0]
    np.testing.assert_allclose(wider.box.low, drawn.box.low, atol=2 * pixel)
    np.testing.assert_allclose(wider.box.high, target, atol=4 * pixel)
    states.append(agree(dock))

    press(dock, KEY.Key_D, CTRL)
    assert len(agree(dock)) == 2
    states.append(session.findings.items)

    press(dock, KEY.Key_R)
    assert agree(dock)[1].status == "rejected"
    states.append(session.findings.items)

    session.select(None)
    dock.editing.commands["paint mask"]()
    drag(viewer, dock, low + 0.75 * (high - low), low + 0.8 * (high - low))
    qtbot.waitUntil(lambda: len(session.findings) == 3)
    painted = agree(dock)[-1]
    assert isinstance(painted.geometry, Mask)
    np.testing.assert_allclose(painted.center, low + 0.775 * (high - low), atol=0.02 * np.ptp([low, high]))
    states.append(session.findings.items)
    dock.reviewed.radiograph.masks.layer.mode = "pan_zoom"

    undo_and_redo(dock, states, lambda: agree(dock))
