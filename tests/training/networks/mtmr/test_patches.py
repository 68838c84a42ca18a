"""Slices: true millimetres, the right planes, the place in the cube."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.imaging.values import window_to_unit
from napari_lungmtl.training.networks.mtmr.config import PLANES, SHIPPED, Config
from napari_lungmtl.training.networks.mtmr.patches import cut, neighbours, nodule_patches, side, spread_slices

AXES = {"axial": (1, 2), "coronal": (0, 2), "sagittal": (0, 1)}


def ramp(axis):
    """A cube whose value is the index along an axis."""
    return torch.from_numpy(np.indices((50, 50, 50))[axis].astype(np.float32))


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(PLANES),
    st.floats(-4, 4),
    st.floats(8, 30),
    st.tuples(*[st.floats(23, 26)] * 3),
)
def test_pixels_lie_where_they_should(plane, offset, mm, center):
    """Rows and columns run along the plane's axes in true mm, the slice lies `offset` off the centre."""
    pixels = 16
    place = (np.arange(pixels) + 0.5) / pixels - 0.5
    rows, columns = AXES[plane]
    normal = ({0, 1, 2} - {rows, columns}).pop()
    for axis in range(3):
        found = cut(
            ramp(axis)[None],
            torch.tensor([center]),
            torch.tensor([[offset]]),
            torch.tensor([[PLANES.index(plane)]]),
            torch.tensor([mm]),
            pixels,
        )[0, 0].numpy()
        expected = np.full((pixels, pixels), center[axis])
        if axis == normal:
            expected += offset
        elif axis == rows:
            expected += place[:, None] * mm
        else:
            expected += place[None, :] * mm
        assert np.abs(found - expected).max() < 1e-3


@given(st.floats(3, 30), st.integers(1, 30))
def test_slices_lie_in_the_nodule_and_around_its_centre(diameter, most):
    offsets = spread_slices(diameter, dataclasses.replace(SHIPPED, max_slices=most))
    assert 1 <= len(offsets) <= most
    assert max(map(abs, offsets)) <= diameter / 2
    assert sum(offsets) == pytest.approx(0, abs=1e-6)


def test_the_paper_takes_every_slice():
    assert spread_slices(10.0, Config()) == [-4, -3, -2, -1, 0, 1, 2, 3, 4]


def test_the_crop_follows_the_diameter_up_to_what_a_cube_holds():
    assert side(torch.tensor([5.0, 10.0, 40.0]), SHIPPED).tolist() == [14, 24, 48]


def test_a_ball_fills_the_same_share_of_every_plane():
    grid = np.indices((50, 50, 50)) - 24.5
    ball = torch.from_numpy((np.linalg.norm(grid, axis=0) < 8).astype(np.float32))
    config = dataclasses.replace(SHIPPED, channels=1)
    patches, places = nodule_patches(ball, torch.full((3,), 24.5), 16.0, config)
    middle = [p[0].mean().item() for p, (_, offset) in zip(patches, places, strict=True) if offset == 0]
    assert len(middle) == 3
    expected = np.pi * 64 / 36**2
    assert middle == pytest.approx([expected] * 3, rel=0.05)


def test_hu_become_zero_to_one():
    assert window_to_unit(torch.tensor([-2000.0, -1000, -300, 400, 3000]), *SHIPPED.hu_range).tolist() == [
        0,
        0,
        0.5,
        1,
        1,
    ]


@pytest.mark.parametrize("center", [(24.5, 24.5, 24.5), (3.2, 24.9, 47.6)])
@pytest.mark.parametrize("diameter", [3.0, 12.0, 28.0])
def test_one_axis_after_the_other_cuts_what_training_saw(center, diameter):
    """`cut`, which training uses because it also turns, on noise and beyond the cube's border."""
    cube = torch.from_numpy(np.random.default_rng(0).random((50, 50, 50), np.float32))
    patches, places = nodule_patches(cube, torch.tensor(center), diameter, SHIPPED)
    offset = torch.tensor([[o for _, o in places]])
    stacked = neighbours(offset, torch.full_like(offset, diameter), SHIPPED).flatten(1)
    planes = torch.tensor([[PLANES.index(p) for p, _ in places for _ in range(SHIPPED.channels)]])
    wide = side(torch.tensor([diameter]), SHIPPED)
    seen = cut(cube[None], torch.tensor([center]), stacked, planes, wide, SHIPPED.pixels)
    torch.testing.assert_close(patches, seen.view_as(patches), rtol=0, atol=2e-5)
    assert patches.std() > 0.05
