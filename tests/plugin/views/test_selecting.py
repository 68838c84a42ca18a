"""Which mark lies under a click."""

from dataclasses import replace

import numpy as np
import pytest

from napari_lungmtl.canvas.frame import Frame
from napari_lungmtl.layers.spheres.discs import STAND_OFF
from napari_lungmtl.training.findings import Box, Finding, Mask, Sphere
from napari_lungmtl.views.selecting import box_at, mark_at

BALLS = (
    Finding(Sphere((-100.0, 20.0, 30.0), 20.0), id="large"),
    Finding(Sphere((-100.0, 24.0, 30.0), 4.0), id="small"),
)
BOXES = (
    Finding(Box((10.0, 10.0), (60.0, 60.0)), id="wide"),
    Finding(Box((20.0, 20.0), (30.0, 40.0)), id="narrow"),
)


def named(found):
    """Its id, or None."""
    return None if found is None else found.id


def on_slice(position, reach=0.0, plane="axial"):
    """The picture of a slice, or of a slab around it."""
    return replace(Frame.of_plane(plane), position=position, reach=reach)


@pytest.mark.parametrize(
    ("z", "place", "found"),
    [
        (-100.0, (16.0, 30.0), "large"),
        (-100.0, (24.5, 30.0), "small"),  # of two the smaller: the larger can be clicked beside it
        (-96.0, (24.5, 30.0), "large"),  # a slice that does not cut the small one
        (-92.0, (26.5 + STAND_OFF, 30.0), "large"),  # its ring there has a radius of 6 mm, and stands off
        (-92.0, (28.0 + STAND_OFF, 30.0), None),
        (-100.0, (30.9 + STAND_OFF, 30.0), "large"),  # as near as a ring can be pointed at
        (-88.0, (20.0, 30.0), None),
        (-100.0, (40.0, 30.0), None),
    ],
)
def test_a_ring_is_clicked_as_large_as_the_slice_shows_it(z, place, found):
    assert named(mark_at(BALLS, place, on_slice(z), step=1.0, beside=1.0)) == found


def test_another_plane_cuts_another_disc():
    coronal = on_slice(20.0, plane="coronal")
    assert named(mark_at(BALLS, (-92.0, 30.0), coronal, 1.0, 1.0)) == "large"
    assert mark_at(BALLS, (-92.0, 30.0), on_slice(29.0, plane="coronal"), 1.0, 1.0) is None


def test_a_slab_shows_what_lies_beside_its_slice():
    assert mark_at(BALLS, (28.0, 30.0), on_slice(-85.0), 1.0, 1.0) is None
    slab = on_slice(-85.0, reach=10.0)
    assert named(mark_at(BALLS, (28.0, 30.0), slab, 1.0, 1.0)) == "large"
    assert mark_at(BALLS, (38.0, 30.0), slab, 1.0, 1.0) is None


def test_an_outline_is_clicked_where_it_is_drawn():
    """A rod of 4 × 4 × 40 mm from y 0: the ball of its volume would be clicked where nothing is drawn, and not at its ends."""
    voxels = np.ones((4, 40, 4), bool)
    rod = (Finding(Mask.from_array(voxels, (1.0, 1.0, 1.0), (-100.0, 0.0, 30.0)), id="rod"),)
    for y, found in ((1.0, "rod"), (38.0, "rod"), (39.9, "rod"), (45.0, None), (-3.0, None)):
        assert named(mark_at(rod, (y, 31.0), on_slice(-98.0), 1.0, 1.0)) == found
    assert mark_at(rod, (20.0, 31.0), on_slice(-92.0), 1.0, 1.0) is None
    assert mark_at(rod, (20.0, 37.0), on_slice(-98.0), 1.0, 1.0) is None


@pytest.mark.parametrize(
    ("place", "found"),
    [((25.0, 25.0), "narrow"), ((50.0, 25.0), "wide"), ((60.5, 10.0), "wide"), ((62.0, 25.0), None)],
)
def test_a_box_is_clicked_anywhere_in_it(place, found):
    assert named(box_at(BOXES, place, (0, 1), beside=1.0)) == found
    assert named(box_at(BOXES, place[::-1], (1, 0), beside=1.0)) == found  # a film that lies: axes exchanged


def test_findings_of_another_kind_of_image_are_no_error():
    assert box_at(BALLS, (20.0, 30.0), (0, 1), 1.0) is None
    assert mark_at(BOXES, (20.0, 30.0), on_slice(-100.0), 1.0, 1.0) is None
