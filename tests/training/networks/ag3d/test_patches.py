"""Training patches: truth stays on the nodule through every crop, flip, zoom and blur."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube
from napari_lungmtl.training.fitting.hardness import Hardness
from napari_lungmtl.training.networks.ag3d import patches as p
from napari_lungmtl.training.networks.ag3d.config import TrainingConfig

AIR, DENSE = 20, 140


def ball(center, diameter, shape=(50, 50, 50)):
    """A dense ball in air: its place can be read back from the voxels."""
    grid = np.indices(shape).reshape(3, -1).T
    inside = (np.linalg.norm(grid - np.array(center), axis=1) < diameter / 2).reshape(shape)
    voxels = np.where(inside, DENSE, AIR).astype(np.uint8)
    return p.Block(voxels, np.array([[*center, diameter]], float), np.zeros((0, 4)))


def centroid(hu):
    return np.argwhere(hu > 8 * (AIR + DENSE) / 2 - 1024).mean(axis=0)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.tuples(*[st.integers(15, 34)] * 3))
def test_single_keeps_the_truth_on_the_ball(seed, center):
    patch = p.single(ball(center, 9), 64, np.random.default_rng(seed))
    assert patch.hu.shape == (64, 64, 64)
    assert len(patch.truth) + len(patch.ignore) == 1
    for z, y, x, _ in patch.truth:
        index = tuple(np.clip(np.round([z, y, x]), 0, 63).astype(int))
        assert patch.hu[index] > 8 * (AIR + DENSE) / 2 - 1024


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31))
def test_every_truth_of_a_tiling_lies_on_a_dense_voxel(seed):
    rng = np.random.default_rng(seed)
    patch = p.tiling([ball(rng.integers(12, 38, 3), 9) for _ in range(8)], 64, rng)
    for z, y, x, _ in patch.truth:
        index = tuple(np.clip(np.round([z, y, x]), 0, 63).astype(int))
        assert patch.hu[index] > 8 * (AIR + DENSE) / 2 - 1024


@pytest.mark.parametrize("width", [48, 96, 128, 160])
def test_tilings_fill_windows_of_any_width(width):
    """Over 100 voxels, eight cubes do not suffice; their pieces still meet without a gap."""
    rng = np.random.default_rng(width)
    blocks = [ball(rng.integers(12, 38, 3), 9) for _ in range(p.tiles(width, 50))]
    patch = p.tiling(blocks, width, rng)
    assert patch.hu.shape == (width,) * 3
    assert set(np.unique(patch.hu)) == {8.0 * AIR - 1024, 8.0 * DENSE - 1024}
    for z, y, x, _ in patch.truth:
        index = tuple(np.clip(np.round([z, y, x]), 0, width - 1).astype(int))
        assert patch.hu[index] > 8 * (AIR + DENSE) / 2 - 1024


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31), st.tuples(*[st.integers(8, 41)] * 3))
def test_flips_move_truth_with_voxels(seed, center):
    block = p.flip(ball(center, 9), np.random.default_rng(seed))
    assert np.allclose(centroid(p.to_hu(block.voxels)), block.truth[0, :3], atol=1e-6)


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_zoom_scales_place_and_size(factor):
    block = p.zoom(ball((20, 25, 30), 12), factor)
    hu = p.to_hu(block.voxels)
    assert np.allclose(centroid(hu), block.truth[0, :3], atol=0.3)
    volume = (hu > 8 * (AIR + DENSE) / 2 - 1024).sum()
    assert (6 * volume / np.pi) ** (1 / 3) == pytest.approx(block.truth[0, 3], rel=0.06)


def test_a_nodule_whose_centre_is_cut_off_is_left_out():
    block = p.crop(ball((10, 25, 25), 9), np.array([12, 0, 0]), np.array([50, 50, 50]))
    assert len(block.truth) == 0
    assert block.ignore.tolist() == [[-2, 25, 25, 9]]


@settings(deadline=None)
@given(st.floats(1.2, 5), st.floats(0, 1))
def test_thick_slices_keep_means_and_place(thickness, phase):
    hu = np.full((60, 3, 3), -800, np.float32)
    hu[25:35] = 40
    blurred = p.thick_slices(hu, thickness, phase * thickness)
    assert blurred.shape == hu.shape
    weight = (blurred[:, 0, 0] + 800) / 840
    assert weight.sum() == pytest.approx(10, rel=0.25)
    assert (weight * np.arange(60)).sum() / weight.sum() == pytest.approx(29.5, abs=1.0)
    assert np.allclose(p.thick_slices(np.full((40, 2, 2), 7.0, np.float32), thickness, 0.0), 7, atol=1e-4)


def test_hard_cubes_are_drawn_more_often():
    cubes = [
        NoduleCube(str(i), ball((25, 25, 25), 9).voxels, np.zeros((0, 4)), np.zeros((0, 4)), "1", {})
        for i in range(4)
    ]
    hardness = Hardness(4)
    hardness.seen[:, 1:] = 0
    sampler = p.Patches(cubes, [], TrainingConfig(), hardness)
    counts = np.bincount(sampler._pick(np.random.default_rng(0), 4000, 0), minlength=4)
    assert counts[0] == pytest.approx(4000 * 1.25 / 2, rel=0.1)


def test_cubes_get_cavities_where_their_masks_are_given():
    block = ball((25, 25, 25), 20)
    row = {"index": "0", "diameter_mm": "20"}
    cube = NoduleCube("1", block.voxels, block.truth, np.zeros((0, 4)), "1", row)
    mask = block.voxels > 100

    def lowest(fraction, masks):
        config = TrainingConfig(cavity_fraction=fraction)
        drawn = p.Patches([cube], [], config, Hardness(1), masks=masks)._block(0, np.random.default_rng(0))
        return drawn.voxels[mask].min()

    whole = block.voxels[mask].min()
    assert lowest(1.0, [mask]) < 60 < whole
    assert lowest(0.0, [mask]) == lowest(1.0, None) == whole


def test_phantom_patches(tmp_path):
    block = ball((40, 50, 60), 12, (80, 100, 120))
    np.savez(tmp_path / "p.npz", voxels=block.voxels, centers=block.truth[:, :3], diameters=block.truth[:, 3])
    (loaded,) = p.load_phantoms(tmp_path)
    rng = np.random.default_rng(0)
    found = [p.phantom(loaded, 64, rng) for _ in range(20)]
    assert any(len(f.truth) for f in found)
    for f in found:
        for row in f.truth:
            assert f.hu[tuple(np.round(row[:3]).astype(int))] > -500
