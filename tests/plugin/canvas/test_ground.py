"""The ground behind images, and the colour that a person had set."""

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_lungmtl.canvas.ground import BLACK, Ground


@pytest.mark.parametrize("own", [None, (0.2, 0.4, 0.6, 1.0)])
def test_images_are_read_on_black_and_a_persons_colour_comes_back(own):
    viewer = ViewerModel()
    canvas = viewer.canvas
    canvas.background_color_override = own
    ground = Ground(viewer)
    for _ in range(2):  # and once more: another image, and the next study
        ground.take(True)
        ground.take(True)
        np.testing.assert_allclose(canvas.background_color_override, BLACK)
        ground.take(False)
        assert (canvas.background_color_override is None) == (own is None)
        if own is not None:
            np.testing.assert_allclose(canvas.background_color_override, own)


def test_a_colour_set_while_images_are_read_stays():
    viewer = ViewerModel()
    ground = Ground(viewer)
    ground.take(True)
    viewer.canvas.background_color_override = "white"
    ground.take(True)
    ground.let_go()
    ground.let_go()
    np.testing.assert_allclose(viewer.canvas.background_color_override, (1, 1, 1, 1))
