"""Which mark lies under a click."""

import pytest

from napari_lungmtl.training.findings import Box, Finding, Sphere
from napari_lungmtl.views.selecting import finding_at

SLICE, FILM = (True, False, False), (False, False)
BALLS = (
    Finding(Sphere((-100.0, 20.0, 30.0), 20.0), id="large"),
    Finding(Sphere((-100.0, 24.0, 30.0), 4.0), id="small"),
)
BOXES = (
    Finding(Box((10.0, 10.0), (60.0, 60.0)), id="wide"),
    Finding(Box((20.0, 20.0), (30.0, 30.0)), id="narrow"),
)


@pytest.mark.parametrize(
    ("place", "found"),
    [
        ((-100.0, 20.0, 30.0), "large"),
        ((-100.0, 24.5, 30.0), "small"),  # of two the smaller: the larger can be clicked beside it
        ((-97.0, 24.5, 30.0), "large"),  # a slice that does not cut the small one
        ((-92.0, 26.0, 30.0), "large"),  # its ring on this slice has a radius of 6 mm
        ((-92.0, 28.5, 30.0), None),
        ((-100.0, 30.9, 30.0), "large"),  # as near as the ring can be pointed at
        ((-89.9, 20.0, 30.0), None),
        ((-100.0, 40.0, 30.0), None),
    ],
)
def test_a_ring_is_clicked_as_large_as_the_slice_cuts_it(place, found):
    seen = finding_at(BALLS, place, SLICE, reach=1.0)
    assert (seen.id if seen is not None else None) == found


def test_another_plane_cuts_another_disc():
    coronal = (False, True, False)
    assert finding_at(BALLS, (-92.0, 20.0, 30.0), coronal, 1.0).id == "large"
    assert finding_at(BALLS, (-92.0, 28.0, 30.0), coronal, 1.0) is None


@pytest.mark.parametrize(
    ("place", "found"),
    [((25.0, 25.0), "narrow"), ((50.0, 25.0), "wide"), ((60.5, 10.0), "wide"), ((62.0, 25.0), None)],
)
def test_a_box_is_clicked_anywhere_in_it(place, found):
    seen = finding_at(BOXES, place, FILM, reach=1.0)
    assert (seen.id if seen is not None else None) == found


def test_a_findings_list_of_another_kind_of_image_is_no_error():
    assert finding_at(BALLS, (20.0, 30.0), FILM, 1.0) is None
