"""Scans in millimetres and radiographs in pixels agree before napari adds one by itself, so that it has nothing to warn of."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image as ImageLayer

from napari_lungmtl.contributions.reader import _told
from napari_lungmtl.layers.image import agree_ahead, agree_on_units, image_layer_data
from napari_lungmtl.training.imaging.image import Image

SCAN = Image(np.zeros((4, 8, 8), np.int16), "CT", (2.5, 1.0, 1.0), (0.0, 0.0, 0.0))
FILM = Image(np.zeros((8, 8), np.uint8), "DX", None, (0.0, 0.0))


@pytest.mark.parametrize("images", [(FILM, SCAN), (SCAN, FILM)])
def test_an_image_that_napari_adds_has_the_units_of_those_that_are_open(images):
    viewer = ViewerModel()
    for image in images:
        data, attributes, _ = agree_ahead(viewer.layers, image_layer_data(image))
        viewer.add_layer(ImageLayer(data, **attributes))
        assert len({str(layer.units[-1]) for layer in viewer.layers}) == 1
    scan = next(layer for layer in viewer.layers if layer.ndim == 3)
    viewer.layers.remove(scan)
    agree_on_units(viewer.layers)
    assert str(viewer.layers[0].units[-1]) == "pixel", "a radiograph alone is in its own again"


def test_a_name_is_told_once():
    assert (
        _told("a.jpg", ["a.jpg does not state its pixel size.", ""])
        == "a.jpg: does not state its pixel size."
    )
