"""Crops of stored whole scans: the map, its lesions and its false marks lie on each other, also in the mirror."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_lungmtl.training.data.public.luna16_nodules import to_hu
from napari_lungmtl.training.fitting.batches import Place
from napari_lungmtl.training.networks.ag3d.config import SHIPPED
from napari_lungmtl.training.networks.ag3d.detect import normalise
from napari_lungmtl.training.networks.ag3d.network import Ag3d
from napari_lungmtl.training.networks.ag3d.stored.patches import Store, StoredPatches
from napari_lungmtl.training.networks.ag3d.stored.scans import crop_source, mirrored, store_scan
from napari_lungmtl.training.networks.ag3d.thorax import Thorax

WIDTH = 32


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    small = dataclasses.replace(SHIPPED, stem_channels=8, growth=4, pyramid_channels=8)
    return Ag3d(small).eval()


@pytest.fixture(scope="module")
def thorax():
    rng = np.random.default_rng(0)
    shape = (66, 70, 75)
    voxels = rng.integers(0, 256, shape).astype(np.uint8)
    truth, marks = np.array([[20.0, 30, 40, 8]]), np.array([[40.0, 36, 30, 5], [24, 40, 50, 5]])
    return Thorax(voxels, np.ones(shape, bool), truth, np.zeros((0, 4)), marks, np.array([0.9, 0.1]), 2.0)


@pytest.mark.parametrize("turn", [lambda t: t, mirrored], ids=["as it is", "mirrored"])
def test_a_crop_is_what_the_first_part_makes_of_those_voxels(net, thorax, turn):
    own = turn(thorax)
    draw = crop_source([store_scan(own, net)], WIDTH)
    rng, seen = np.random.default_rng(1), 0
    whole = normalise(torch.from_numpy(to_hu(np.ascontiguousarray(own.voxels))), net.config)[None, None]
    for _ in range(40):
        item = draw(rng)
        assert tuple(item["first"].shape) == (8, 8, 8, 8)
        if not len(item["truth"]):
            continue
        seen += 1
        low = (own.truth[0, :3] - item["truth"][0, :3].numpy()).round().astype(int)
        assert not (low % 4).any()
        assert item["truth"][0, 3] == own.truth[0, 3]
        if seen == 1:
            z, y, x = low
            window = whole[..., z : z + WIDTH, y : y + WIDTH, x : x + WIDTH]
            with torch.no_grad():
                expected = net.backbone.first(window)[0]
            inner = (slice(None), *(slice(3, -3),) * 3)  # the window's own edge has no neighbours
            assert torch.allclose(item["first"].float()[inner], expected[inner], atol=5e-3)
    assert seen > 3


def test_left_and_right_are_exchanged(thorax):
    other = mirrored(thorax)
    z, y, x = thorax.marks[0, :3].astype(int)
    mz, my, mx = other.marks[0, :3].astype(int)
    assert (mz, my, mx) == (z, y, 74 - x)
    assert other.voxels[mz, my, mx] == thorax.voxels[z, y, x]
    assert np.array_equal(mirrored(other).voxels, thorax.voxels)
    assert mirrored(other).truth.tolist() == thorax.truth.tolist()


def test_batches_hold_crops_and_patches(net, thorax):
    nothing = [np.zeros((0, 4))] * 3
    store = Store(np.zeros((3, 8, 8, 8, 8), np.float16), nothing, nothing, np.array([0, 1, 2]))
    draw = StoredPatches(store, 8, crop_source([store_scan(thorax, net)], WIDTH), 0.5)
    sources = [s for i in range(20) for s in draw(Place(i), (0,))["source"]]
    assert 50 < sources.count(-1) < 110
