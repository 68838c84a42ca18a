"""What planes and slabs show of spheres, masks and the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.canvas.frame import Frame
from napari_lungmtl.layers.planes import ORDERS
from napari_lungmtl.layers.spheres.discs import STAND_OFF
from napari_lungmtl.layers.spheres.rows import ACCENT
from napari_lungmtl.training.findings import Finding, Mask, Sphere
from napari_lungmtl.views.marks import Mark, marks_of, squares_of

STEP = 2.5
ball = Finding(Sphere((-100.0, 20.0, 30.0), 10.0), id="ball")


def shown(findings, position, order=ORDERS["axial"], selection=(), reach=0.0) -> tuple[Mark, ...]:
    frame = Frame(order, position=position, reach=reach)
    return marks_of(findings, selection, frame, STEP)


@given(st.floats(-20, 20), st.integers(0, 2), st.floats(0, 15))
def test_rings_stand_off_what_the_plane_cuts_of_balls(distance, axis, reach):
    order = (axis, *(a for a in range(3) if a != axis))
    marks = shown([ball], ball.center[axis] - distance, order, reach=reach)
    outside = max(abs(distance) - reach, 0.0)
    if outside >= 5.0:
        assert marks == ()
    else:
        assert [mark.radius for mark in marks] == [pytest.approx(np.sqrt(25 - outside**2) + STAND_OFF)]


def test_a_plane_shows_what_it_cuts_and_a_slab_what_it_holds():
    def radii(position: float, reach: float = 0.0) -> list[float]:
        return [mark.radius - STAND_OFF for mark in shown([ball], position, reach=reach)]

    assert radii(-100.0) == [5.0]
    assert radii(-96.0) == [pytest.approx(3.0)]
    assert radii(-94.0) == []
    assert radii(-94.0, reach=6.25) == [5.0], "its centre lies in the slab"
    assert radii(-90.0, reach=6.0) == [pytest.approx(3.0)], "the slab's face cuts it"
    assert radii(-80.0, reach=6.25) == []


def test_a_nodule_so_small_that_it_lies_between_two_slices_is_told_on_the_nearest():
    tiny = Finding(Sphere((-100.0, 20.0, 30.0), 2.0))
    assert [mark.radius for mark in shown([tiny], -101.2)] == [STAND_OFF]
    assert shown([tiny], -101.3) == ()


@pytest.mark.parametrize(
    ("plane", "center"), [("axial", (20, 30)), ("coronal", (-100, 30)), ("sagittal", (-100, 20))]
)
def test_marks_lie_at_their_place_in_every_plane(plane, center):
    order = ORDERS[plane]
    (mark,) = shown([ball], ball.center[order[0]], order, ("ball",))
    assert mark.center == center
    assert mark.selected
    assert mark.color[:3] == pytest.approx(ACCENT)
    frame = Frame(order, position=ball.center[order[0]])
    (square,) = squares_of(np.array([ball.center]), np.array([10.0]), (0, 1, 1, 1), frame, STEP)
    assert square.square
    assert square.center == center
    assert square.radius == 5.0 + STAND_OFF


def test_selected_marks_lie_on_top_and_rejected_ones_are_grey():
    other = Finding(Sphere((-100.0, 22.0, 30.0), 8.0), id="other", status="rejected")
    marks = shown([ball, other], -100.0, selection=("ball",))
    assert [mark.selected for mark in marks] == [False, True]
    assert marks[0].color[0] == marks[0].color[1] == marks[0].color[2]


@pytest.mark.parametrize("plane", list(ORDERS))
def test_a_mask_is_outlined_where_it_lies(plane):
    held = np.zeros((6, 10, 12), bool)
    held[2:4, 3:7, 5:9] = True
    mask = Mask.from_array(held, (2.5, 0.5, 0.8), (-50.0, 10.0, -20.0))
    finding = Finding(mask, id="mask")
    order = ORDERS[plane]
    low = np.array([2, 3, 5]) * mask.spacing + np.array(mask.origin)
    high = np.array([3, 6, 8]) * mask.spacing + np.array(mask.origin)
    spacing = np.array(mask.spacing)
    inside, outside = (low + high)[order[0]] / 2, high[order[0]] + 0.6 * spacing[order[0]]
    (mark,) = shown([finding], inside, order)
    (line,) = mark.lines
    flat = list(order[1:])
    np.testing.assert_allclose(line.min(axis=0), (low - spacing / 2)[flat])
    np.testing.assert_allclose(line.max(axis=0), (high + spacing / 2)[flat])
    assert shown([finding], outside, order) == ()
    assert len(shown([finding], outside, order, reach=1.5 * spacing[order[0]])) == 1


def test_planar_findings_are_no_marks_of_a_volume():
    flat = Finding(Mask.from_array(np.ones((3, 3), bool), (1.0, 1.0), (0.0, 0.0)))
    assert shown([flat], 0.0) == ()
