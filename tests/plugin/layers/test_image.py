"""An image as a layer, and layers as images."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image as ImageLayer

from napari_lungmtl.layers.spheres.layer import add_image_layer, image_from_layer
from napari_lungmtl.training.imaging.image import Image

from ...stand_ins.chests import chest


def test_a_ct_lies_in_lps_mm_and_shows_the_lung_window(viewer) -> None:
    image = chest(metadata={"series_description": "Chest 2.5"})
    layer = add_image_layer(viewer, image)
    np.testing.assert_allclose(layer.data_to_world((3, 4, 5)), image.to_world((3, 4, 5)))
    assert {str(unit) for unit in layer.units} == {"millimeter"}
    assert tuple(layer.contrast_limits) == (-1350, 150)
    assert layer.contrast_limits_range[1] >= image.voxels.max()
    assert layer.name == "Chest 2.5"
    assert layer.projection_mode == "none"
    assert np.shares_memory(layer.data, image.voxels)
    assert image_from_layer(layer) is image


@pytest.mark.parametrize(("lowest", "window"), [(-1024, (-1350, 150)), (0, (0, 1000))])
def test_a_volume_file_of_a_ct_shows_the_lung_window_though_it_states_no_modality(
    viewer, lowest, window
) -> None:
    voxels = np.full((4, 5, 6), 1000, np.int16)
    voxels[:, 0] = lowest
    layer = add_image_layer(viewer, Image(voxels, "", (1.0, 1.0, 1.0)))
    assert tuple(layer.contrast_limits) == window


def test_a_radiograph_without_spacing_is_shown_in_pixels(viewer) -> None:
    image = Image(np.arange(600, dtype=np.uint16).reshape(20, 30), "DX", window=(300, 200), series_uid="r")
    layer = add_image_layer(viewer, image)
    assert {str(unit) for unit in layer.units} == {"pixel"}
    assert tuple(layer.contrast_limits) == (200, 400)
    assert image_from_layer(layer) is image


def test_a_layer_that_a_person_moved_is_where_it_is_now(viewer) -> None:
    layer = add_image_layer(viewer, chest())
    layer.translate = (0, 0, 0)
    moved = image_from_layer(layer)
    assert moved.origin == (0, 0, 0)
    assert moved.series_uid == "1.2.3"


def test_any_volume_can_be_reviewed() -> None:
    ct = chest()
    layer = ImageLayer(ct.voxels, name="mine", scale=(2.5, 0.7, 0.7), translate=(-190, 5, -6))
    image = image_from_layer(layer)
    assert image.modality == "CT"
    assert image.spacing == (2.5, 0.7, 0.7)
    assert image.origin == (-190, 5, -6)
    assert image.series_uid == "mine"
    assert any("millimetres" in warning for warning in image.warnings)


def test_units_of_a_layer_are_brought_to_mm() -> None:
    layer = ImageLayer(chest().voxels, scale=(2500, 700, 700), translate=(1000, 0, 0), units=("um",) * 3)
    image = image_from_layer(layer)
    assert image.spacing == pytest.approx((2.5, 0.7, 0.7))
    assert image.origin == pytest.approx((1, 0, 0))
    assert not image.warnings


def test_a_mirrored_axis_is_turned_round() -> None:
    layer = ImageLayer(chest().voxels, scale=(2.5, -0.7, 0.7), units=("mm",) * 3)
    image = image_from_layer(layer)
    assert image.spacing == (2.5, 0.7, 0.7)
    for index in ((0, 0, 0), (3, 30, 7)):
        there = image.to_index(layer.data_to_world(index)).round().astype(int)
        assert image.voxels[tuple(there)] == layer.data[index]


def test_what_is_no_ct_says_so() -> None:
    layer = ImageLayer(np.random.default_rng(0).integers(0, 255, (8, 9, 10)).astype(np.uint8), name="cells")
    image = image_from_layer(layer)
    assert image.modality == ""
    assert any("Hounsfield" in warning for warning in image.warnings)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (ImageLayer(np.zeros((5, 6, 3), np.uint8), rgb=True), "colour"),
        (ImageLayer(np.zeros((2, 5, 6, 7))), "volume"),
        (ImageLayer([np.zeros((8, 8, 8)), np.zeros((4, 4, 4))], multiscale=True), "volume"),
        (ImageLayer(np.zeros((5, 6, 7)), rotate=30), "rotated"),
    ],
)
def test_what_cannot_be_reviewed_is_refused(layer, message) -> None:
    with pytest.raises(ValueError, match=message):
        image_from_layer(layer)
