"""Turned, mirrored and inverted radiographs: arrays, indices and world positions lead back to the file, in all orientations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.radiograph.orientation import (
    AS_STORED,
    ORIENTATIONS,
    Orientation,
    WorldMap,
    turn,
)

orientations = st.sampled_from(ORIENTATIONS)
STORED = np.arange(15).reshape(3, 5)


@given(orientations)
def test_what_is_undone_is_as_it_was(orientation):
    np.testing.assert_array_equal(orientation.undo(orientation.apply(STORED)), STORED)


@given(orientations, st.data())
def test_an_index_of_the_turned_array_finds_its_value_in_the_stored_one(orientation, data):
    turned = orientation.apply(STORED)
    index = tuple(data.draw(st.integers(0, n - 1)) for n in turned.shape)
    row, column = orientation.index_to_stored(index, STORED.shape).astype(int)
    assert turned[index] == STORED[row, column]


@given(orientations, st.sampled_from([1, 2, 3, -1]))
def test_turning_and_mirroring_act_on_what_is_seen(orientation, quarters):
    seen = orientation.apply(STORED)
    np.testing.assert_array_equal(orientation.turned(quarters).apply(STORED), np.rot90(seen, quarters))
    np.testing.assert_array_equal(orientation.flipped().apply(STORED), seen[:, ::-1])
    assert orientation.flipped().flipped() == orientation.negative().negative() == orientation


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32])
def test_a_negative_keeps_type_and_range_and_its_window(dtype):
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 17.5
    voxels = np.array([[3, top], [10, 4]], dtype)
    found = turn(Image(voxels, "DX", window=(float(top), 4.0)), Orientation(inverted=True))
    np.testing.assert_array_equal(found.voxels, np.array([[top, 3], [top - 7, top - 1]], dtype))
    assert found.voxels.dtype == dtype
    assert found.window == (3.0, 4.0)


@given(orientations, st.none() | st.just((0.5, 0.2)), st.tuples(st.floats(0, 2), st.floats(0, 2)))
def test_a_world_position_on_the_turned_image_is_one_on_the_stored(orientation, spacing, at):
    stored = Image(STORED, "DX", spacing, origin=(10.0, -20.0))
    turned = turn(stored, orientation)
    if orientation == AS_STORED:
        assert turned is stored
        return
    world = WorldMap.of(stored, orientation).to_stored(turned.to_world(at))
    np.testing.assert_allclose(
        stored.to_index(world), orientation.index_to_stored(at, STORED.shape), atol=1e-9
    )


def test_words():
    assert Orientation(3).words == "turned by 90° clockwise"
    assert Orientation(2, True, True).words == "mirrored, turned by 180°, inverted"
    assert AS_STORED.words == ""
