"""Contours filled row by row against whole-number arithmetic, and against a test of each point by itself."""

from fractions import Fraction

import numpy as np
import pytest
from skimage.measure import points_in_poly

from napari_lungmtl.training.findings.formats.dicom.contours import filled
from napari_lungmtl.training.findings.formats.dicom.rings.scan_lines import Rows
from napari_lungmtl.training.imaging import Image

SIDE = 12


def is_inside(point: tuple[int, int], ring: list[tuple[int, int]]) -> bool:
    """Whether a point lies on a contour of whole numbers, or a ray from it meets an odd number of edges."""
    (x, y), inside = point, False
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        within = min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by)
        if within and (by - ay) * (x - ax) == (bx - ax) * (y - ay):
            return True
        inside ^= (ay <= y) != (by <= y) and ax + Fraction((y - ay) * (bx - ax), by - ay) > x
    return inside


@pytest.mark.parametrize("corners", [3, 4, 6, 9])
@pytest.mark.parametrize("seed", range(5))
def test_corners_on_points_fill_what_whole_numbers_tell(corners, seed):
    ring = np.random.default_rng(seed).integers(0, SIDE, (corners, 2))
    rows = Rows(np.zeros(SIDE), np.arange(SIDE, dtype=float), 1.0, SIDE)
    told = [[is_inside((x, y), ring.tolist()) for x in range(SIDE)] for y in range(SIDE)]
    np.testing.assert_array_equal(rows.inside(ring.astype(float)), told)


@pytest.mark.parametrize(
    "ring", [[(-9, 3.5), (99, 3.5), (99, 5.5), (-9, 5.5)], [(2.5, -9), (4.5, -9), (4.5, 99), (2.5, 99)]]
)
def test_what_reaches_beyond_the_rows_is_cut(ring):
    rows = Rows(np.zeros(SIDE), np.arange(SIDE, dtype=float), 1.0, SIDE)
    assert rows.inside(np.array(ring, float)).sum() == 2 * SIDE


@pytest.mark.parametrize("normal", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 2, 3), (5, -1, 0.5)])
@pytest.mark.parametrize("seed", range(3))
def test_rows_fill_the_points_that_one_by_one_are_inside(normal, seed):
    rng = np.random.default_rng(seed)
    image = Image(np.zeros((40, 50, 45), np.int16), spacing=(1.3, 0.7, 0.9), origin=(-20.0, 3.0, 7.7))
    center, up = image.to_world((20, 25, 22)), np.array(normal) / np.linalg.norm(normal)
    across = np.linalg.svd(up[None])[2][1:]
    turn, radius = np.sort(rng.uniform(0, 2 * np.pi, 40)), rng.uniform(2, 15, 40)
    flat = radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    heights = 0.11 + np.arange(-4, 5, 2)
    found = filled([center + h * up + flat @ across for h in heights], image)

    places = image.to_world(np.argwhere(np.ones(image.shape))) - center
    height = places @ up
    told = (height >= heights[0] - 1) & (height < heights[-1] + 1) & points_in_poly(places @ across.T, flat)
    whole = np.zeros(image.shape, bool)
    whole[tuple(found.T)] = True
    np.testing.assert_array_equal(whole, told.reshape(image.shape))
    assert len(found) == told.sum()
