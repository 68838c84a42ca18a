"""Several open images: a list, keys to the next, who it is on the canvas, and a slider with the slices of the visible one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_lungmtl.app import show_truth
from napari_lungmtl.layers import view_state
from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.training.findings import Finding, Findings, ImageReference, Sphere
from napari_lungmtl.training.imaging.image import Image

from ..stand_ins.dock_input import press
from ..stand_ins.reviewed_radiographs import radiograph

SHIFT = Qt.KeyboardModifier.ShiftModifier


def picture(viewer) -> np.ndarray:
    """What is on the canvas."""
    QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)


def seen(dock) -> np.ndarray:
    """What a person sees of the canvas: with what is written over it."""
    QApplication.processEvents()
    shot = dock.corners.parentWidget().grab().toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    bits = shot.constBits()
    bits.setsize(shot.sizeInBytes())
    return np.frombuffer(bits, np.uint8).reshape(shot.height(), shot.width(), 4)[..., :3].copy()


def look(viewer) -> np.ndarray:
    """The picture of all of the visible image in its middle slice."""
    view_state.first_look(viewer, next(layer for layer in viewer.layers if layer.visible))
    return picture(viewer)


@pytest.fixture
def named(image) -> tuple[Image, Image]:
    """Two patients' CTs, of which the second lies elsewhere."""
    metadata = {"patient_id": "Anna", "series_description": "Thorax 2.5", "study_date": "20000131"}
    first = replace(image, metadata=metadata, series_uid="1.2.3.1")
    voxels = np.full((30, 50, 50), 300, np.int16)
    voxels[:, 20:30, 20:30] = -800
    other = {"patient_id": "Berta", "study_date": "20010203"}
    return first, replace(
        image, voxels=voxels, origin=(500.0, -300.0, 200.0), series_uid="4.5.6", metadata=other
    )


@pytest.fixture
def two(window, named):
    """The window with these two; the second is seen."""
    viewer, dock = window
    viewer.layers.clear()
    layers = [add_image_layer(viewer, each) for each in named]
    return viewer, dock, layers


def test_open_images_are_listed_and_keys_go_to_the_next(two):
    """Each with its own slices and its own window."""
    viewer, dock, (first, second) = two
    studies = dock.study_section.studies
    assert studies.isVisible()
    listed = [studies.box.itemText(n) for n in range(2)]
    assert listed == ["CT  Anna · 2000-01-31", "CT  Berta · 2001-02-03"]
    assert (studies.box.currentIndex(), studies.place.text(), viewer.dims.nsteps[0]) == (1, "2 of 2", 30)
    second.contrast_limits = (-50, 350)
    press(dock, Qt.Key.Key_N, SHIFT)  # round
    assert dock.reviewed.layer is first
    assert (first.visible, second.visible, studies.place.text()) == (True, False, "1 of 2")
    assert (tuple(first.contrast_limits), viewer.dims.nsteps[0]) == ((-1350, 150), 40)
    dock.reviewed.session.add(
        Finding(Sphere((-150.0, 40.0, 0.0), 20.0))
    )  # napari takes all layers into account anew
    assert viewer.dims.nsteps[0] == 40
    press(dock, Qt.Key.Key_P, SHIFT)
    assert dock.reviewed.layer is second
    assert tuple(second.contrast_limits) == (-50, 350)
    studies.box.setFocus()
    QTest.keyClick(studies.box, Qt.Key.Key_Up)
    assert dock.reviewed.layer is first


def test_nothing_of_the_other_is_on_the_canvas(window, named):
    """Not its image, not its circles, not its truth, not its name."""
    viewer, dock = window
    viewer.layers.clear()
    first, second = named
    add_image_layer(viewer, second)
    alone = look(viewer)
    viewer.layers.clear()
    add_image_layer(viewer, first)
    mark = Finding(Sphere((-150.0, 40.0, 0.0), 20.0), id="a")
    dock.reviewed.session.add(mark)
    show_truth(viewer, dock, Findings((mark,), ImageReference.of(first)))
    marked = picture(viewer)
    layer = add_image_layer(viewer, second)
    np.testing.assert_array_equal(look(viewer), alone)
    press(dock, Qt.Key.Key_N, SHIFT)
    # Rings keep their width on the screen only roughly, and the canvas may have grown since they were drawn.
    np.testing.assert_allclose(picture(viewer).astype(int), marked, atol=32)
    assert not layer.visible


def test_the_canvas_says_who_it_is(two):
    """In the window, and not in a picture of the canvas alone."""
    viewer, dock, _ = two
    assert dock.corners.isVisible()
    assert dock.corners.texts["who"].split("\n") == ["Berta", "CT", "2001-02-03"]
    press(dock, Qt.Key.Key_P, SHIFT)
    assert dock.corners.texts["who"].split("\n") == ["Anna", "CT · Thorax 2.5", "2000-01-31"]
    alone, shown = picture(viewer), seen(dock)
    press(dock, Qt.Key.Key_I, SHIFT)
    np.testing.assert_array_equal(picture(viewer), alone)
    hidden = seen(dock)
    changed = (shown != hidden).any(axis=-1)
    assert changed[:60, :100].mean() > 0.1
    assert not changed[100:-100, 100:-100].any()
    press(dock, Qt.Key.Key_I, SHIFT)
    np.testing.assert_array_equal(seen(dock), shown)


def test_closing_one_leaves_no_empty_slices(two):
    viewer, dock, (first, second) = two
    viewer.layers.remove(second)
    assert dock.reviewed.layer is first
    assert first.visible
    assert viewer.dims.nsteps[0] == 40
    low, high = (first.extent.world[n, 0] for n in range(2))
    assert low <= viewer.dims.point[0] <= high
    assert dock.study_section.studies.isHidden()


def test_opening_one_more_costs_the_same_however_many_are_open(window):
    """What is hidden is not hidden again: napari puts all layers of the canvas in order anew each time."""
    viewer, dock = window
    viewer.layers.clear()
    for number in range(3):
        add_image_layer(viewer, radiograph(series_uid=f"1.{number}"))
    told = []
    for layer in viewer.layers:
        if not layer.visible:
            layer.events.visible.connect(told.append)
    add_image_layer(viewer, radiograph(series_uid="1.3"))
    assert told == []
    assert sum(layer.visible for layer in dock.reviewed_images.layers) == 1
    assert dock.study_section.studies.place.text() == "4 of 4"
