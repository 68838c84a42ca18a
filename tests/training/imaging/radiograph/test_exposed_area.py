"""Frames and bars beside a radiograph: found exactly, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.radiograph.exposed_area import exposed_area
from napari_lungmtl.training.imaging.radiograph.network_input import (
    make_radiograph_input,
    radiograph_input_of,
)


def thorax(height=200, width=180, seed=0):
    """A smooth picture that varies along every line, 200 to 800, with noise."""
    y, x = np.mgrid[:height, :width]
    wave = np.sin(y * 9.0 / height + 1) * np.cos(x * 11.0 / width)
    return 500 + 280 * wave + np.random.default_rng(seed).normal(0, 5, (height, width))


def whole(values):
    return 0, 0, *values.shape


margins = st.tuples(*[st.integers(0, 40)] * 4)


@given(margins=margins, level=st.sampled_from([0, 100, 1000, 4095]), stray=st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_frame_is_found_to_the_pixel(margins, level, stray):
    top, left, bottom, right = margins
    inner = thorax()
    framed = np.pad(inner, ((top, bottom), (left, right)), constant_values=level)
    if stray and top > 3:
        framed[2, left + 5 : left + 8] = 500  # a letter on the border
    assert exposed_area(framed) == (top, left, top + 200, left + 180)
    # The same picture with bright air, as another type, and in other units.
    assert exposed_area(-framed) == (top, left, top + 200, left + 180)
    assert exposed_area((framed * 8 - 20_000).astype(np.int16)) == (top, left, top + 200, left + 180)


def test_bars_of_several_grey_values():
    framed = np.pad(thorax(), ((12, 0), (0, 0)), constant_values=1000)
    framed = np.pad(framed, ((0, 0), (7, 9)), constant_values=0)
    framed = np.pad(framed, 5, constant_values=1000)
    assert exposed_area(framed) == (17, 12, 217, 192)


@given(seed=st.integers(0, 500), size=st.tuples(st.integers(3, 90), st.integers(3, 90)))
@settings(max_examples=60, deadline=None)
def test_a_picture_without_border_stays_whole(seed, size):
    values = thorax(*size, seed)
    area = exposed_area(values)
    # Of a tiny picture a line may happen to be uniform, never of one of a radiograph's size.
    assert area == whole(values) or min(size) < 40


@pytest.mark.parametrize("values", [np.zeros((50, 60)), np.full((1, 1), 7), np.zeros((3, 0))])
def test_nothing_to_see_stays_whole(values):
    assert exposed_area(values) == whole(values)


def test_a_small_bright_thing_on_black_is_not_cut_out():
    values = np.zeros((200, 200))
    values[90:110, 90:110] = 500
    assert exposed_area(values) == whole(values)


def test_a_white_frame_does_not_eat_the_contrast():
    inner = thorax(400, 360).astype(np.float32)
    framed = np.pad(inner, ((60, 40), (70, 70)), constant_values=20_000)
    radiograph, plain = radiograph_input_of(framed, 500), radiograph_input_of(inner, 400)
    assert radiograph.shape == (500, 500)
    assert radiograph.offset == (0, 0)
    # Reduced by 1: the same pixels, but for a line at the frame and the percentiles of what it leaves.
    np.testing.assert_allclose(radiograph.pixels[62:458, 72:428], plain.pixels[2:398, 22:378], atol=0.01)
    np.testing.assert_allclose(radiograph.to_world((60, 70)), (59.5, 69.5))


def test_the_frame_of_a_reduced_radiograph_leaves_no_trace():
    inner = thorax(1200, 1100)
    framed = np.pad(inner, ((300, 200), (250, 250)), constant_values=30_000)
    radiograph = radiograph_input_of(framed)
    low, high = np.percentile(inner, (0.5, 99.5))
    expected = np.clip((inner - low) / (high - low), 0, 1)
    y, x = (
        np.array([300, 1500]) * radiograph.scale + radiograph.offset[0],
        np.array([250, 1350]) * radiograph.scale + radiograph.offset[1],
    )
    shown = radiograph.pixels[int(y[0]) + 3 : int(y[1]) - 3, int(x[0]) + 3 : int(x[1]) - 3]
    assert shown.mean() == pytest.approx(expected.mean(), abs=0.02)
    assert shown.std() == pytest.approx(expected.std(), abs=0.02)


def test_no_real_radiograph_is_cut_in_half(lungmtl_data):
    """The lungs of all 70 radiographs with masks lie in what is left."""
    files = sorted((lungmtl_data / "cxr" / "lung_masks_100").glob("*.jpg"))
    assert len(files) == 70
    for file in files:
        values = np.asarray(Picture.open(file).convert("L"))
        mask = np.asarray(Picture.open(file.with_suffix(".png")))
        y0, x0, y1, x1 = exposed_area(values)
        lungs = np.isin(mask, (1, 2))
        # One mask was drawn a little over the black bar below the picture.
        assert lungs[y0:y1, x0:x1].sum() >= 0.998 * lungs.sum(), file.name


def test_radiograph_of_a_volume_is_refused():
    with pytest.raises(ValueError, match="flat"):
        make_radiograph_input(Image(np.zeros((3, 4, 5), np.int16)))
