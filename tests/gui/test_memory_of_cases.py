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
def busy(monkeypatch):
    """A quiet moment does not come of its own: `fall_quiet` brings it."""
    monkeypatch.setattr(memory, "IDLE_MS", 10**8)


def fall_quiet(closed: memory.ClosedImages) -> None:
    """Let the time pass in which somebody would have to be at work."""
    closed._timer.setInterval(0)


def _open(viewer, number: int) -> tuple[weakref.ref, weakref.ref]:
    voxels = np.full((6, 40, 40), 40 * number, np.int16)
    image = Image(voxels, "CT", (2.5, 1.0, 1.0), series_uid=f"1.2.{number}")
    layer = add_image_layer(viewer, image)
    return weakref.ref(layer), weakref.ref(voxels)


def _close(viewer, layer: weakref.ref) -> None:
    viewer.layers.remove(layer())


def test_cases_that_come_and_go_leave_nothing(busy, window, qtbot):
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
    fall_quiet(closed)
    settle()  # as the networks' imports in the background do whenever they come to an end
    qtbot.waitUntil(lambda: not closed.due and not closed._settling.isActive())
    gc.collect()
    assert [
        n for n, (layer, voxels) in enumerate(opened) if layer() is not None or voxels() is not None
    ] == []


def test_whoever_goes_through_slices_is_not_kept_waiting(busy, window, qtbot, monkeypatch):
    viewer, dock = window
    reclaimed = []
    monkeypatch.setattr(memory, "reclaim", lambda: reclaimed.append(True))
    layer, _ = _open(viewer, 1)
    settle()
    _close(viewer, layer)
    closed = dock.reviewed_images._closed_images
    assert closed.due
    begun = []
    with monkeypatch.context() as patch:
        patch.setattr(closed._timer, "start", lambda: begun.append(True))  # it waits anew
        for step in range(8):
            viewer.dims.set_point(0, -200.0 + 2.5 * step)
            assert len(begun) > step
    assert closed.due
    assert not reclaimed
    fall_quiet(closed)
    qtbot.waitUntil(lambda: bool(reclaimed))


def test_what_was_opened_afterwards_needs_no_search(busy, window):
    viewer, dock = window
    settle()
    layer, _ = _open(viewer, 1)
    _close(viewer, layer)
    assert not dock.reviewed_images._closed_images.due
