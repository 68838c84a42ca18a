"""A plane's values in the pixels of a picture: any volume, any plane, any size, any zoom."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from napari_lungmtl.canvas.frame import Frame
from napari_lungmtl.layers.planes import ORDERS
from napari_lungmtl.training.imaging.image import Image
from napari_lungmtl.training.imaging.slab import Slab, cut
from napari_lungmtl.views.frame import sample

lengths = st.floats(0.3, 5.0)
SLOPES = np.array([5.0, 3.0, 2.0])
"""Of a volume whose value tells the place, per mm along z, y, x."""


@st.composite
def fields(draw) -> Image:
    """Volumes whose value tells the place, of odd voxels anywhere."""
    shape = draw(st.tuples(*[st.integers(2, 9)] * 3))
    spacing, origin = (draw(st.tuples(*[s] * 3)) for s in (lengths, st.floats(-500, 500)))
    z, y, x = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, spacing)), indexing="ij")
    values = SLOPES[0] * z + SLOPES[1] * y + SLOPES[2] * x
    return Image(values.astype(np.float32), "CT", spacing, origin)


frames = st.builds(
    lambda plane, size, zoom: (plane, size, zoom),
    st.sampled_from(list(ORDERS)),
    st.tuples(st.integers(20, 60), st.integers(20, 60)),
    st.floats(1.0, 5.0),
)


@settings(max_examples=60, deadline=None)
@given(fields(), frames, st.tuples(*[st.floats(0.0, 1.0)] * 3))
def test_every_pixel_shows_the_value_of_its_place(image, wanted, where):
    plane, size, zoom = wanted
    point = image.to_world(np.array(where) * np.subtract(image.shape, 1))
    whole = Frame.of_plane(plane).fitting(image, size)
    frame = replace(whole, mm=whole.mm / zoom).holding(point)
    # A plane thinner than a pixel may lie between the middles of two.
    assume(all(image.extent[1][a] - image.extent[0][a] > frame.mm for a in frame.order[1:]))
    values, (row, column) = sample(frame, cut(image, frame.axis, point[frame.axis], Slab()))
    x, y = frame.to_screen(point)
    assert 0 <= x <= size[1], "the point is in view"
    assert 0 <= y <= size[0]
    assert values.size
    rows, columns = np.arange(row, row + values.shape[0]), np.arange(column, column + values.shape[1])
    world = np.empty((*values.shape, 3))
    world[..., frame.axis] = point[frame.axis]
    for axis, coordinates in (
        (frame.order[1], [frame.to_world(0, r + 0.5)[frame.order[1]] for r in rows]),
        (frame.order[2], [frame.to_world(c + 0.5, 0)[frame.order[2]] for c in columns]),
    ):
        shown = np.array(coordinates)
        world[..., axis] = shown[:, None] if axis == frame.order[1] else shown
    # Half a pixel or voxel from the outermost centres, where the last voxel goes on, no straight line is kept.
    reach = np.maximum(image.scale, frame.mm) / 2 + 1e-6
    low, high = image.to_world((0, 0, 0)) + reach, image.to_world(np.subtract(image.shape, 1)) - reach
    kept = np.all([(world[..., a] >= low[a]) & (world[..., a] <= high[a]) for a in frame.order[1:]], axis=0)
    expected = (world - np.array(image.origin)) @ SLOPES
    np.testing.assert_allclose(values[kept], expected[kept], atol=1e-2)
    assert np.all(image.contains(world)), "nothing is shown beside the volume"


def test_a_millimetre_is_as_long_in_every_direction_and_thick_slices_are_no_stairs():
    voxels = np.zeros((5, 40, 40), np.int16)
    voxels[2:] = 1000
    image = Image(voxels, "CT", (10.0, 1.0, 1.0))
    frame = Frame.of_plane("coronal").fitting(image, (200, 200))
    low, high = image.extent
    assert np.ptp([frame.to_screen(low)[1], frame.to_screen(high)[1]]) == pytest.approx(50 / frame.mm)
    assert np.ptp([frame.to_screen(low)[0], frame.to_screen(high)[0]]) == pytest.approx(40 / frame.mm)
    values, _ = sample(frame, cut(image, 1, 20.0, Slab()))
    steps = np.abs(np.diff(values[:, 100]))
    assert steps.max() < 1.5 * 1000 * frame.mm / 10.0, "from slice to slice in even steps"
