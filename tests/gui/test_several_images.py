"""Several images in one window: the canvas shows the one that the dock speaks of, and nothing of the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.utils.notifications import notification_manager
from qtpy.QtWidgets import QApplication, QScrollBar

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.layers.truth.outcomes import NAME as HITS_AND_MISSES
from napari_lungmtl.panel.dock import LungNodulesDock
from napari_lungmtl.reviewed_images import ReviewedImage
from napari_lungmtl.training.findings import Box, Finding, Findings, ImageReference, Mask
from napari_lungmtl.training.findings.truth import Truth
from napari_lungmtl.training.imaging.image import Image

from ..stand_ins.reviewed_radiographs import radiograph


def picture(viewer) -> np.ndarray:
    """What is on the canvas."""
    QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)


def of(reviewed: ReviewedImage) -> list:
    """Its image and all that was drawn for it."""
    return [reviewed.layer, *reviewed.drawn]


@pytest.fixture
def other(image) -> Image:
    """Another patient's CT, far from the first and all bright."""
    return replace(
        image, voxels=np.full((30, 50, 50), 300, np.int16), origin=(500.0, -300.0, 200.0), series_uid="4.5.6"
    )


def test_only_the_image_under_review_and_its_marks_are_visible(after_run, other):
    viewer, dock = after_run
    first = dock.reviewed
    own = viewer.add_points(np.zeros((1, 3)), name="mine")
    add_image_layer(viewer, other)
    second = dock.reviewed
    assert all(layer.visible for layer in of(second))
    assert not any(layer.visible for layer in of(first))
    assert own.visible
    viewer.layers.selection.active = first.layer
    assert all(layer.visible for layer in of(first))
    assert not any(layer.visible for layer in of(second))
    assert own.visible
    assert first.session.overlays_shown
    assert second.session.overlays_shown


def test_nothing_of_the_other_is_on_the_canvas(after_run, other):
    viewer, dock = after_run
    first = dock.reviewed
    alone = picture(viewer)
    add_image_layer(viewer, other)
    shown = picture(viewer)[..., :3]
    assert (shown.min(axis=-1) > 200).mean() > 0.3  # the bright one, whole and in the middle
    viewer.layers.selection.active = first.layer
    np.testing.assert_array_equal(picture(viewer), alone)


def test_each_image_is_come_back_to_where_it_was_left(after_run, other):
    viewer, dock = after_run
    first = dock.reviewed
    viewer.dims.set_point(0, -150.0)
    viewer.scene.camera.zoom = 9.0
    viewer.scene.camera.center = (0.0, 30.0, -10.0)
    add_image_layer(viewer, other)
    assert other.contains((viewer.dims.point[0], -290.0, 210.0))
    viewer.layers.selection.active = first.layer
    assert viewer.dims.point[0] == pytest.approx(-150.0, abs=1.3)
    assert viewer.scene.camera.zoom == 9.0
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (30.0, -10.0))


def test_hidden_overlays_stay_hidden_when_their_image_comes_back(after_run, other):
    viewer, dock = after_run
    first = dock.reviewed
    first.session.show_overlays(False)
    add_image_layer(viewer, other)
    viewer.layers.selection.active = first.layer
    assert first.layer.visible
    assert not first.binding.layer.visible


def test_the_eye_of_a_hidden_image_chooses_it(after_run, other):
    viewer, dock = after_run
    first = dock.reviewed
    add_image_layer(viewer, other)
    second = dock.reviewed
    first.layer.visible = True
    assert dock.reviewed is first
    assert not second.layer.visible
    second.binding.layer.visible = True  # marks alone do not come back over another patient
    assert not second.binding.layer.visible


def test_a_run_that_ends_on_a_hidden_image_draws_nothing_over_the_other(window, predictor, other, qtbot):
    viewer, dock = window
    first = dock.reviewed
    predictor.go_on.clear()
    dock.run.start()
    add_image_layer(viewer, other)
    with qtbot.waitSignal(dock.run.finished):
        predictor.go_on.set()
    assert len(first.session.findings) == 5
    assert not first.binding.layer.visible
    viewer.layers.selection.active = first.layer
    assert first.binding.layer.visible


def test_a_radiograph_beside_a_ct_and_back(after_run):
    viewer, dock = after_run
    first = dock.reviewed
    viewer.dims.ndisplay = 3
    layer = add_image_layer(viewer, radiograph())
    assert viewer.dims.ndisplay == 2
    assert dock.reviewed.layer is layer
    low, high = np.asarray(layer.extent.world)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (low + high) / 2, atol=1.0)
    assert not any(layer.visible for layer in of(first))
    viewer.layers.selection.active = first.layer
    assert viewer.dims.ndisplay == 3


def test_images_that_were_open_before_the_dock_are_not_drawn_over_each_other(
    shared_viewer, predictor, image, other
):
    before, last = (add_image_layer(shared_viewer, each) for each in (image, other))
    dock = LungNodulesDock(shared_viewer)
    assert dock.reviewed.layer is last
    assert last.visible
    assert not before.visible
    dock.close()
    shared_viewer.layers.clear()


def test_the_boxes_of_a_radiograph_come_back_with_their_tool(window):
    viewer, dock = window
    add_image_layer(viewer, radiograph())
    first = dock.reviewed
    boxes = first.radiograph.boxes.redraw()
    add_image_layer(viewer, radiograph(series_uid="other"))
    assert not boxes.visible
    viewer.layers.selection.active = first.layer
    assert boxes.visible
    assert boxes.mode == "select"


def sliders(dock) -> list[QScrollBar]:
    """napari's sliders that are seen."""
    QApplication.processEvents()
    bars = dock.window().findChildren(QScrollBar)
    return [bar for bar in bars if type(bar).__module__.startswith("napari") and bar.isVisible()]


def test_the_first_findings_of_a_hidden_scan_bring_no_slider_to_a_film(window, predictor, qtbot):
    viewer, dock = window
    scan = dock.reviewed
    predictor.go_on.clear()
    dock.run.start()
    add_image_layer(viewer, radiograph())
    assert not sliders(dock)
    with qtbot.waitSignal(dock.run.finished, timeout=60_000):
        predictor.go_on.set()
    assert scan.binding.layer is not None
    assert not sliders(dock)
    scan.session.add(Finding(Mask.from_array(np.ones((2, 3, 3), bool), (2.5, 1.0, 1.0), (-150.0, 30.0, 0.0))))
    assert scan.masks.layer is not None
    assert not sliders(dock)
    dock.reviewed_images.choose(scan.layer)
    assert sliders(dock)


@pytest.mark.parametrize("with_truth", [False, True])
def test_a_film_in_pixels_beside_a_scan_brings_no_warnings_and_no_slices(window, with_truth):
    viewer, dock = window
    scan = dock.reviewed
    viewer.dims.set_current_step(0, 12)
    said = []
    remember = said.append
    notification_manager.notification_ready.connect(remember)
    try:
        film = replace(radiograph(), spacing=None)
        layer = add_image_layer(viewer, film)
        reviewed = dock.reviewed
        reviewed.session.add(Finding(Box((20.0, 20.0), (40.0, 50.0))))
        if with_truth:
            missed = Finding(Box((60.0, 60.0), (70.0, 70.0)))
            reviewed.truth.set(Truth(Findings((missed,), ImageReference.of(film))))
            assert HITS_AND_MISSES in viewer.layers
        for chosen in (scan.layer, layer, scan.layer):
            dock.reviewed_images.choose(chosen)
            picture(viewer)
            assert bool(sliders(dock)) == (chosen is scan.layer)
        assert viewer.dims.current_step[0] == 12
        assert dock.reviewed.session.image.units == "mm"
        assert reviewed.session.image.units == "pixel"
        viewer.layers.remove(scan.layer)
        picture(viewer)
        assert {str(of_film.units[-1]) for of_film in viewer.layers} == {"pixel"}
    finally:
        notification_manager.notification_ready.disconnect(remember)
    assert not [note.message for note in said if "units" in note.message]
