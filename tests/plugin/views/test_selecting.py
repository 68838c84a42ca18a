"""Which mark lies under a click."""

import pytest

from napari_lungmtl.layers.spheres.discs import STAND_OFF
from napari_lungmtl.training.findings import Box, Finding, Sphere
from napari_lungmtl.views.selecting import box_at, ring_at

AXIAL, CORONAL = 0, 1
BALLS = (
    Finding(Sphere((-100.0, 20.0, 30.0), 20.0), id="large"),
    Finding(Sphere((-100.0, 24.0, 30.0), 4.0), id="small"),
)
BOXES = (
    Finding(Box((10.0, 10.0), (60.0, 60.0)), id="wide"),
    Finding(Box((20.0, 20.0), (30.0, 30.0)), id="narrow"),
)


def named(found):
    """Its id, or None."""
    return None if found is None else found.id


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ((-100.0, 16.0, 30.0), "large"),
        ((-100.0, 24.5, 30.0), "small"),  # of two the smaller: the larger can be clicked beside it
        ((-96.0, 24.5, 30.0), "large"),  # a slice that does not cut the small one
        (
            (-92.0, 26.5 + STAND_OFF, 30.0),
            "large",
        ),  # its ring on this slice has a radius of 6 mm, and stands off
        ((-92.0, 28.0 + STAND_OFF, 30.0), None),
        ((-100.0, 30.9 + STAND_OFF, 30.0), "large"),  # as near as a ring can be pointed at
        ((-88.0, 20.0, 30.0), None),
        ((-100.0, 40.0, 30.0), None),
    ],
)
def test_a_ring_is_clicked_as_large_as_the_slice_shows_it(place, found):
    assert named(ring_at(BALLS, place, AXIAL, beside=1.0, step=1.0)) == found


def test_another_plane_cuts_another_disc():
    assert named(ring_at(BALLS, (-92.0, 20.0, 30.0), CORONAL, 1.0, 1.0)) == "large"
    assert ring_at(BALLS, (-92.0, 29.0, 30.0), CORONAL, 1.0, 1.0) is None


def test_a_slab_shows_what_lies_beside_its_slice():
    place = (-85.0, 28.0, 30.0)  # 5 mm beyond the large one's surface
    assert ring_at(BALLS, place, AXIAL, 1.0, 1.0) is None
    assert named(ring_at(BALLS, place, AXIAL, 1.0, 1.0, reach=10.0)) == "large"
    assert ring_at(BALLS, (-85.0, 38.0, 30.0), AXIAL, 1.0, 1.0, reach=10.0) is None


@pytest.mark.parametrize(
    ("place", "found"),
    [((25.0, 25.0), "narrow"), ((50.0, 25.0), "wide"), ((60.5, 10.0), "wide"), ((62.0, 25.0), None)],
)
def test_a_box_is_clicked_anywhere_in_it(place, found):
    assert named(box_at(BOXES, place, beside=1.0)) == found


def test_findings_of_another_kind_of_image_are_no_error():
    assert box_at(BALLS, (20.0, 30.0), 1.0) is None
    assert ring_at(BOXES, (-100.0, 20.0, 30.0), AXIAL, 1.0, 1.0) is None
