"""Resampling keeps the world where it is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.imaging import Image, resample

spacings = st.tuples(st.floats(0.5, 3.0), st.floats(0.4, 1.2), st.floats(0.4, 1.2))


def points(image: Image) -> np.ndarray:
    return image.to_world(np.moveaxis(np.indices(image.shape), 0, -1))


def ramp(shape, spacing, origin) -> Image:
    """A volume whose values are a linear function of the place."""
    image = Image(np.zeros(shape, np.float32), spacing=spacing, origin=origin)
    return Image(
        (points(image) @ [3.0, -2.0, 1.0]).astype(np.float32), "CT", spacing, origin, series_uid="1.2"
    )


@given(spacing=spacings, origin=st.tuples(*[st.floats(-300, 300)] * 3), target=st.floats(0.6, 2.5))
@settings(max_examples=30, deadline=None)
def test_a_linear_function_of_place_stays_itself(spacing, origin, target):
    image = ramp((24, 30, 28), spacing, origin)
    new = resample(image, target)
    expected = points(new) @ [3.0, -2.0, 1.0]
    # Away from the rim, where the kernel meets the last voxel.
    inner = tuple(
        slice(m, n - m) for n in new.shape for m in [min(int(np.ceil(3.5 / target)) + 2, n // 2 - 1)]
    )
    np.testing.assert_allclose(new.voxels[inner], expected[inner], atol=0.02)
    assert new.spacing == pytest.approx((target,) * 3)
    assert new.series_uid == "1.2"
    old_extent, extent = image.extent, new.extent
    np.testing.assert_allclose(extent[0], old_extent[0], atol=1e-6)
    np.testing.assert_allclose(extent[1], old_extent[1], atol=0.51 * target)


@pytest.mark.parametrize("spacing", [(2.5, 0.82, 0.82), (0.6, 0.5, 0.5), (5.0, 0.7, 0.7)])
def test_a_ball_stays_in_place_and_keeps_its_volume(spacing):
    shape = tuple(int(60 / s) for s in spacing)
    image = Image(np.zeros(shape, np.int16), "CT", spacing, (-200.0, 15.0, 40.0))
    center = image.to_world(np.array(shape) / 2 + [0.3, 0.2, -0.4])
    distance = np.linalg.norm(points(image) - center, axis=-1)
    voxels = np.rint(1000 * np.clip((11 - distance) / 2 + 0.5, 0, 1)).astype(np.int16)
    new = resample(Image(voxels, "CT", spacing, image.origin), 1.0)
    assert new.voxels.dtype == np.int16
    weight = new.voxels / new.voxels.sum()
    found = (points(new) * weight[..., None]).sum(axis=(0, 1, 2))
    before = (points(image) * (voxels / voxels.sum())[..., None]).sum(axis=(0, 1, 2))
    assert np.linalg.norm(found - before) < 0.02
    assert np.linalg.norm(found - center) < 0.1 * spacing[0]  # what thick slices themselves cost
    assert new.voxels.sum() == pytest.approx(voxels.sum() * np.prod(spacing), rel=0.02)


def test_noise_is_averaged_when_pixels_get_coarser():
    noise = np.random.default_rng(0).normal(0, 100, (20, 64, 64)).astype(np.float32)
    new = resample(Image(noise, spacing=(1.0, 0.5, 0.5)), (1.0, 2.0, 2.0))
    assert new.voxels.std() < 35  # a sample of every fourth pixel would keep 100


def test_same_spacing_changes_nothing():
    voxels = np.random.default_rng(0).integers(-1000, 1000, (5, 6, 7)).astype(np.int16)
    image = Image(voxels, "CT", (1.0, 1.0, 1.0), (1.0, 2.0, 3.0))
    new = resample(image, 1.0)
    np.testing.assert_array_equal(new.voxels, voxels)
    assert new.origin == image.origin


def test_single_slice_and_picture():
    slab = resample(Image(np.full((1, 8, 8), 7, np.int16), spacing=(2.5, 1.0, 1.0)), 1.0)
    assert slab.shape == (2, 8, 8)
    assert np.all(slab.voxels == 7)
    flat = resample(Image(np.ones((10, 20), np.float32), spacing=(0.5, 0.5)), 1.0)
    assert flat.shape == (5, 10)
    assert flat.origin == (0.25, 0.25)


def test_refusals():
    with pytest.raises(ValueError, match="without spacing"):
        resample(Image(np.zeros((3, 3))), 1.0)
    with pytest.raises(ValueError, match="positive"):
        resample(Image(np.zeros((3, 3)), spacing=(1.0, 1.0)), 0.0)
