"""Several contours on one plane: which are joined, which are holes, and which are one drawn twice. Areas are those of geometry."""

import itertools

import numpy as np
import pytest

from napari_lungmtl.training.findings.formats.dicom.contours import filled
from napari_lungmtl.training.imaging import Image
from tests.stand_ins.structure_set import circles

Corners = list[tuple[float, float]]
UPRIGHT, TILTED = (1.0, 0.0, 0.0), (np.cos(0.3), np.sin(0.3), 0.0)


def box(y0: float, y1: float, x0: float, x1: float) -> Corners:
    """A rectangle whose edges lie between voxels 1 mm wide."""
    return [(y0 - 0.5, x0 - 0.5), (y0 - 0.5, x1 - 0.5), (y1 - 0.5, x1 - 0.5), (y1 - 0.5, x0 - 0.5)]


OUTER, INNER, CORE = box(10, 30, 10, 30), box(15, 25, 15, 25), box(18, 20, 18, 20)
ARMS = [
    *box(10, 30, 10, 30)[:2],
    (29.5, 29.5),
    (29.5, 24.5),
    (14.5, 24.5),
    (14.5, 14.5),
    (29.5, 14.5),
    (29.5, 9.5),
]
"""OUTER without a notch, 15 × 10."""
KEYHOLE = [*OUTER, OUTER[0], *INNER[::-1][3:], *INNER[::-1][:3], INNER[0]]


def area(*rings: Corners) -> int:
    """Voxels that the rings fill in one slice."""
    image = Image(np.zeros((3, 40, 40), np.int16), spacing=(1.0, 1.0, 1.0))
    return len(filled([np.array([(1.0, y, x) for y, x in ring]) for ring in rings], image))


@pytest.mark.parametrize(
    ("rings", "expected"),
    [
        ([OUTER, OUTER], 400),
        ([OUTER, OUTER, OUTER], 400),
        ([OUTER, OUTER[::-1]], 400),
        ([OUTER, [*OUTER[2:], *OUTER[:2]]], 400),
        ([OUTER, [*OUTER[1::-1], *OUTER[:1:-1], OUTER[1]]], 400),
        ([OUTER, [(y + 0.004, x - 0.004) for y, x in OUTER]], 400),
        ([OUTER, INNER], 300),
        ([OUTER, INNER, INNER[::-1], OUTER], 300),
        ([OUTER, INNER, CORE], 304),
        ([OUTER, box(10, 20, 15, 25)], 300),
        ([OUTER, box(20, 40, 20, 40)], 700),
        ([OUTER, box(5, 35, 15, 25)], 500),
        ([OUTER, box(10, 30, 30, 35)], 500),
        ([OUTER, box(10, 30, 12, 32), INNER], 340),
        ([OUTER, INNER, box(22, 24, 22, 36)], 300 + 2 * 3 + 2 * 6),
        ([ARMS], 250),
        ([ARMS, box(20, 25, 12, 28)], 250 + 50),
        ([ARMS, box(18, 20, 18, 20)], 250 + 4),
        ([KEYHOLE], 300),
        ([KEYHOLE, KEYHOLE], 300),
        ([KEYHOLE, CORE], 304),
        ([KEYHOLE, INNER], 300),
        ([box(1, 3, 1, 3), box(5, 7, 5, 7), box(1, 3, 5, 7)], 12),
    ],
)
def test_contours_of_a_plane(rings, expected):
    orders = list(itertools.permutations(rings))[:24]
    assert {area(*order) for order in orders} == {expected}


@pytest.mark.parametrize("normal", [UPRIGHT, TILTED])
def test_a_ball_drawn_twice_is_the_same_ball(normal):
    image = Image(np.zeros((40, 60, 60), np.int16), spacing=(1.0, 0.7, 0.7))
    rings = circles((20.0, 21.0, 21.0), 12.0, np.arange(-11, 12, 1.0), normal)
    once = filled(rings, image)
    turned = [np.roll(ring, 7, axis=0)[::-1] for ring in rings]
    np.testing.assert_array_equal(filled([*rings, *turned], image), once)
    assert len(once) * 0.49 == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.02)


def test_a_side_that_two_contours_share_is_filled():
    assert area([(10, 10), (10, 20), (20, 20), (20, 10)], [(10, 20), (10, 30), (20, 30), (20, 20)]) == 11 * 21
