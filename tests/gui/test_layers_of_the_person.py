"""Layers renamed, deleted, reordered, selected; several images; images by other readers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_lungmtl.layers.spheres.layer import add_image_layer


def test_renaming_the_image_keeps_the_study(after_run):
    _viewer, dock = after_run
    reviewed = dock.reviewed
    reviewed.layer.name = "thorax of Tuesday"
    assert dock.reviewed is reviewed
    assert "thorax of Tuesday" in dock.study_section.summary.text()


def test_a_deleted_findings_layer_loses_nothing(after_run):
    viewer, dock = after_run
    viewer.layers.remove(dock.reviewed.binding.layer)
    assert len(dock.reviewed.session.findings) == 5
    dock.show_section.score.slider.setValue(0)
    assert dock.findings.table.model().rowCount() == 5


def test_reordering_and_other_layers_keep_the_study(after_run):
    viewer, dock = after_run
    reviewed = dock.reviewed
    viewer.layers.reverse()
    viewer.add_points(np.zeros((1, 3)))
    assert dock.reviewed is reviewed
    viewer.layers.selection.clear()
    assert dock.reviewed is reviewed


def test_two_images_have_a_session_each(after_run, image):
    viewer, dock = after_run
    first = dock.reviewed
    layer = add_image_layer(viewer, replace(image, series_uid="4.5.6"))
    assert dock.reviewed.layer is layer
    assert dock.show_section.summary.text() == ""
    assert dock.findings.table.model().rowCount() == 0
    viewer.layers.selection.active = first.layer
    assert dock.reviewed is first
    assert dock.show_section.summary.text() == "3 of 5 shown"
    viewer.layers.selection.active = layer
    viewer.layers.selection.active = first.binding.layer  # the drawing leads to its image
    assert dock.reviewed is first


def test_deleting_one_of_two_images_goes_to_the_other(after_run, image):
    viewer, dock = after_run
    first = dock.reviewed
    layer = add_image_layer(viewer, replace(image, series_uid="4.5.6"))
    viewer.layers.remove(first.layer)
    assert dock.reviewed.layer is layer
    viewer.layers.remove(layer)
    assert dock.reviewed is None
    assert dock.study_section.name.text() == "No image is open"


def test_images_of_other_readers_are_taken(window, predictor, qtbot):
    viewer, dock = window
    rng = np.random.default_rng(0)
    voxels = rng.integers(-900, 300, (20, 30, 30)).astype(np.int16)
    layer = viewer.add_image(voxels, scale=(2, 1, 1), units="mm", name="by hand")
    assert dock.reviewed.layer is layer
    assert dock.reviewed.session.image.spacing == (2, 1, 1)
    assert dock.run.button.isEnabled()


def test_colour_pictures_are_left_alone(window):
    viewer, dock = window
    viewer.add_image(np.zeros((20, 30, 3), np.uint8), rgb=True)
    assert dock.reviewed is None
    assert not dock.run.button.isEnabled()
    viewer.layers.selection.active = viewer.layers[0]
    assert dock.reviewed is not None


def test_findings_come_back_with_the_image(after_run, image):
    viewer, dock = after_run
    dock.reviewed.session.accept("f2")
    viewer.layers.remove(dock.reviewed.layer)
    add_image_layer(viewer, image)
    assert dock.reviewed.session.findings["f2"].status == "accepted"


def test_a_radiograph_has_no_planes_and_no_ct_model(window):
    from napari_lungmtl.training.imaging.image import Image

    viewer, dock = window
    viewer.layers.clear()
    add_image_layer(viewer, Image(np.zeros((50, 40), np.uint8) + np.arange(40, dtype=np.uint8), "DX"))
    assert not dock.run.button.isEnabled()
    assert "no model" in dock.run.purpose.text()
    assert not any(button.isVisible() for button in dock.show_section.planes.buttons())
