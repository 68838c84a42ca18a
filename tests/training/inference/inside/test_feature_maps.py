"""Maps know where they lie: index to world and back, cut, cropped and brought to another world."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.orientation import ORIENTATIONS, WorldMap, turn
from napari_lungmtl.training.inference.inside.feature_maps import (
    FeatureMap,
    Inside,
    MapGroup,
    Proposal,
    stages,
    standing_out,
)
from napari_lungmtl.training.inference.inside.look import from_stored

NUMBERS = st.floats(-500, 500)


def rotated(angle: float, scale: float) -> np.ndarray:
    """Steps of a plane in space, at right angles, of length `scale`."""
    c, s = np.cos(angle), np.sin(angle)
    return scale * np.array([[c, s, 0.0], [0.0, 0.0, 1.0]])


@given(arrays(float, 3, elements=NUMBERS), arrays(float, 2, elements=NUMBERS), NUMBERS, st.floats(0.1, 16))
def test_an_index_comes_back_from_the_world(origin, index, angle, scale):
    plane = FeatureMap("plane", np.zeros((5, 7)), origin, rotated(angle, scale))
    assert np.allclose(plane.to_index(plane.to_world(index)), index, atol=1e-6)


@given(st.tuples(*[st.integers(1, 9)] * 3), arrays(float, 3, elements=st.floats(-3, 12)))
def test_what_is_cut_keeps_its_values_and_places(shape, index):
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    volume = FeatureMap("v", values, np.array([-7.0, 3.0, 11.0]), np.diag([4.0, 2.0, 8.0]))
    part = volume.slice_at(volume.to_world(index))
    assert part.values.shape == shape[1:]
    for at in ((0, 0), (shape[1] - 1, shape[2] - 1)):
        cell = np.rint(volume.to_index(part.to_world(at))).astype(int)
        assert values[tuple(cell)] == part.values[at]
    inside = np.clip(index, 0, np.array(shape) - 1)
    assert abs(volume.to_index(part.origin)[0] - inside[0]) <= 0.5 + 1e-9, "the nearest slice"


@pytest.mark.parametrize("orientation", ORIENTATIONS[1:8])
def test_maps_of_a_turned_radiograph_lie_where_it_is_stored(orientation):
    """A pixel's own grey value is found at its place, however the radiograph was turned for the network."""
    pixels = np.arange(24, dtype=np.float32).reshape(4, 6)
    stored = Image(pixels, "DX", (0.5, 0.25), (10.0, -20.0))
    turned, world = turn(stored, orientation), WorldMap.of(stored, orientation)
    seen = FeatureMap("m", turned.voxels, np.array(turned.origin), np.diag(turned.scale))
    low, high = turned.to_world((0, 0)), turned.to_world((1, 2))
    extent = tuple(low.tolist()), tuple(high.tolist())
    inside = Inside("net", extent[0], (MapGroup("g", "", (seen,)),), (Proposal(extent, 0.5),))
    there = inside.moved(world.to_stored)
    for index in np.ndindex(*turned.shape):
        row, column = np.rint(stored.to_index(there["m"].to_world(index))).astype(int)
        assert pixels[row, column] == turned.voxels[index]
        place = stored.to_world((row, column))
        assert np.allclose(from_stored(world, place), turned.to_world(index))
    assert np.allclose(there.proposals[0].center, world.to_stored((low + high) / 2))
    assert there.proposals[0].extent[0] <= there.proposals[0].extent[1]


def test_the_channel_that_stands_out_is_the_one_that_differs_here():
    features = torch.zeros(5, 8, 8)
    features += torch.linspace(0, 1, 8)
    features[3, 2, 6] = -4.0
    channel, values = standing_out(features, (2.2, 5.8))
    assert channel == 3
    assert values[2, 6] == values.min() < -4
    strong, single = stages((2.0, 6.0), [("a", features, np.zeros(2), np.eye(2))], "Stages")
    assert strong.maps[0].values[2, 6] == pytest.approx(np.sqrt((4 * (6 / 7) ** 2 + 16) / 5), rel=1e-5)
    assert single.maps[0].name == "a · no. 3"


def test_a_map_is_found_by_its_name():
    one = FeatureMap("axial", np.zeros((1, 1)), np.zeros(2), np.eye(2))
    inside = Inside("net", (0.0, 0.0), (MapGroup("Views", "", (one,)), MapGroup("Again", "", (one,))))
    assert inside["Again/axial"] is one
    for name in ("axial", "Views/other"):
        with pytest.raises(KeyError):
            inside[name]
