"""Memory of closed images comes back, whatever collections pass over; who reads is not disturbed."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from napari_lungmtl.jobs import memory
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.inference.quiet_import import settle


@pytest.fixture
def quickly(monkeypatch):
    """Nobody waits twenty seconds for a quiet moment."""
    monkeypatch.setattr(memory, "IDLE_MS", 300)


def _open(viewer, number: int) -> tuple[weakref.ref, weakref.ref]:
    voxels = np.full((6, 40, 40), 40 * number, np.int16)
    image = Image(voxels, "CT", (2.5, 1.0, 1.0), series_uid=f"1.2.{number}")
    layer = add_image_layer(viewer, image)
    return weakref.ref(layer), weakref.ref(voxels)


def _close(viewer, layer: weakref.ref) -> None:
    viewer.layers.remove(layer())


def test_cases_that_come_and_go_leave_nothing(quickly, window, qtbot):
    """Two stay open at a time; with the first two the networks are loaded, and collections pass over both from then on."""
    viewer, dock = window
    opened = []
    for number in range(5):
        opened.append(_open(viewer, number))
        dock.reviewed.session.set_done(True)
        if number == 1:
            settle()
        if number >= 2:
            _close(viewer, opened[number - 2][0])
    for layer, _ in opened[-2:]:
        _close(viewer, layer)
    closed = dock.reviewed_images._closed_images
    assert closed.due
    settle()  # as the networks' imports in the background do whenever they come to an end
    qtbot.waitUntil(lambda: not closed.due and not closed._settling.isActive(), timeout=60_000)
    gc.collect()
    assert [
        n for n, (layer, voxels) in enumerate(opened) if layer() is not None or voxels() is not None
    ] == []


def test_whoever_goes_through_slices_is_not_kept_waiting(quickly, window, qtbot, monkeypatch):
    viewer, dock = window
    reclaimed = []
    monkeypatch.setattr(memory, "reclaim", lambda: reclaimed.append(True))
    layer, _ = _open(viewer, 1)
    settle()
    _close(viewer, layer)
    closed = dock.reviewed_images._closed_images
    assert closed.due
    closed._timer.start(1000)  # of which eight steps are more, and one is far less also on a loaded machine
    for step in range(8):
        viewer.dims.set_point(0, -200.0 + 2.5 * step)
        qtbot.wait(150)
    assert not reclaimed
    qtbot.waitUntil(lambda: bool(reclaimed), timeout=30_000)


def test_what_was_opened_afterwards_needs_no_search(quickly, window):
    viewer, dock = window
    settle()
    layer, _ = _open(viewer, 1)
    _close(viewer, layer)
    assert not dock.reviewed_images._closed_images.due
