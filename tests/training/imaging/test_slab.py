"""What a slab holds, against NumPy over the slices that lie in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.slab import KINDS, LEAST, MOST, Slab, cut

from ...stand_ins.marked_volumes import BRIGHT, images


@settings(max_examples=60, deadline=None)
@given(
    images(),
    st.integers(0, 2),
    st.floats(0.0, 1.0),
    st.sampled_from(list(KINDS)),
    st.floats(LEAST, MOST),
)
def test_a_slab_projects_the_slices_within_half_its_thickness(image, axis, where, kind, thickness):
    position = image.origin[axis] + where * (image.shape[axis] - 1) * image.scale[axis]
    plane = cut(image, axis, position, Slab(kind, thickness))
    places = image.origin[axis] + np.arange(image.shape[axis]) * image.scale[axis]
    middle = places[round((position - image.origin[axis]) / image.scale[axis])]
    held = np.flatnonzero(np.abs(places - middle) <= thickness / 2 + 1e-5)
    expected = KINDS[kind](image.voxels.astype(np.float64).take(held, axis), axis=axis)
    np.testing.assert_allclose(plane.voxels, expected, atol=0.5 if kind == "mean" else 0)
    others = [a for a in range(3) if a != axis]
    assert plane.scale == tuple(image.scale[a] for a in others)
    assert plane.origin == tuple(image.origin[a] for a in others)


@settings(max_examples=30, deadline=None)
@given(images(), st.integers(0, 2))
def test_a_plane_through_a_voxel_shows_it_and_one_between_two_their_mean(image, axis):
    index = np.unravel_index(np.argmax(image.voxels), image.shape)
    world = image.to_world(index)
    plane = cut(image, axis, world[axis], Slab())
    at = tuple(i for a, i in enumerate(index) if a != axis)
    assert plane.voxels[at] == pytest.approx(BRIGHT)
    step = 1 if index[axis] < image.shape[axis] - 1 else -1
    between = cut(image, axis, world[axis] + step * image.scale[axis] / 2, Slab())
    neighbour = list(index)
    neighbour[axis] += step
    assert between.voxels[at] == pytest.approx((BRIGHT + image.voxels[tuple(neighbour)]) / 2, abs=0.5)
    beyond = cut(image, axis, image.origin[axis] - 1000.0, Slab())
    np.testing.assert_array_equal(beyond.voxels, image.voxels.take(0, axis))


def test_kinds_follow_each_other_and_the_thickness_stays_within_its_limits():
    slab = Slab()
    kinds = []
    for _ in range(4):
        slab = slab.next()
        kinds.append(slab.kind)
    assert kinds == ["MIP", "mean", "minIP", ""]
    assert slab.next(-1).kind == "minIP"
    assert Slab("MIP", 28.0).thicker(5.0).thickness == MOST
    assert Slab("MIP", 7.0).thicker(-5.0).thickness == LEAST
    assert Slab("minIP", 12.5).words == "minIP 12.5 mm"
    assert Slab().words == ""
    assert Slab().reach(2.5) == 0
    assert Slab("MIP", 10.0).reach(2.5) == 12.5 / 2
    with pytest.raises(ValueError, match="not 'max'"):
        Slab("max")


def test_a_volume_of_one_slice_has_slabs():
    image = Image(np.full((1, 4, 4), 7, np.int16), "CT", (5.0, 1.0, 1.0))
    assert np.all(cut(image, 0, 3.0, Slab("mean", 30.0)).voxels == 7)
