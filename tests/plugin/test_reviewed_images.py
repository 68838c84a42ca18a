"""Which images are under review when layers come and go, without a window."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lungmtl.layers.image import add_image_layer
from napari_lungmtl.reviewed_images import ReviewedImages

from ..stand_ins.chests import ball, chest


@pytest.fixture
def images(viewer):
    """Two CTs; the second, with a finding, is the current one."""
    images = ReviewedImages(viewer)
    for uid in ("1.2.3", "1.2.4"):
        add_image_layer(viewer, chest(series_uid=uid))
    images.current.session.add(ball(-170))
    yield images
    images.close()


@pytest.mark.parametrize("first", ["image", "drawing"])
def test_the_trash_takes_an_image_with_its_drawings_whichever_goes_first(viewer, images, first):
    """napari removes what is selected one by one, and raises where a layer has gone by itself."""
    own = viewer.add_points(np.zeros((1, 3)), name="a person's own")
    gone = images.current
    drawn = [layer for layer in gone.drawn if layer in viewer.layers]
    assert drawn
    going = [gone.layer, drawn[0]]
    closed = []
    images.events.closing.connect(closed.append)
    viewer.layers.selection = set(going)
    with viewer.layers.batched_update():  # as `remove_selected`, whose order is that of a set
        for layer in going if first == "image" else going[::-1]:
            viewer.layers.index(layer)
            viewer.layers.remove(layer)
    assert closed == [gone]
    assert own in viewer.layers
    assert not any(layer in viewer.layers for layer in (gone.layer, *drawn))
    assert images.current.session.image.series_uid == "1.2.3"
    assert images.current.layer.visible


def test_all_that_is_removed_at_once_is_closed(viewer, images):
    viewer.layers.clear()
    assert list(viewer.layers) == []
    assert images.current is None
    assert list(images) == []
