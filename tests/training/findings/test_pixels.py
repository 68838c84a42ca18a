"""Where pixels lie: the half pixel between the world and the files."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Box, ImageReference, Mask
from napari_lungmtl.training.findings.formats.images.image_names import image_name, is_named
from napari_lungmtl.training.findings.formats.pixels import (
    PixelBox,
    plain,
    to_pixels,
    to_world,
)

from ...stand_ins.findings_strategies import pixel_boxes, planes


def test_a_box_over_columns_3_to_5():
    image = ImageReference("a", spacing=(0.175, 0.175), origin=(10.0, -7.0))
    mask = np.zeros((9, 9), bool)
    mask[1:3, 3:6] = True
    region = Mask.from_array(mask, (0.175, 0.175), (10.0, -7.0))
    assert to_pixels(region.box, image) == PixelBox(3, 1, 3, 2)
    assert to_pixels(Box((0.5, 2.5), (2.5, 5.5)), ImageReference("b")) == PixelBox(3, 1, 3, 2)
    assert to_world(PixelBox(3, 1, 3, 2), ImageReference("b")) == Box((0.5, 2.5), (2.5, 5.5))


@given(pixel_boxes, planes)
def test_whole_pixels_come_back_exactly(box, image):
    assert to_pixels(to_world(box, image), image) == box


@given(st.floats(-1e6, 1e6))
def test_plain_numbers_keep_their_value(value):
    assert plain(value) == value
    assert str(plain(3.0)) == "3"


def test_names_of_images():
    image = ImageReference("1.2.3", source="/radiographs/n0001.dcm")
    assert image_name(image) == "n0001.dcm"
    assert image_name(ImageReference("1.2.3")) == "1.2.3"
    for name in ("n0001.dcm", "n0001.png", "radiographs/n0001.mha", "1.2.3"):
        assert is_named(name, image)
    for name in ("n0002.png", "images/n0001.mha"):
        assert not is_named(name, image)
    assert not is_named("", ImageReference(""))


def test_scaling():
    assert PixelBox(1, 2, 3, 4).scaled(2, 0.5) == pytest.approx((2, 1, 6, 2))
