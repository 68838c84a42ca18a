"""Air around a mark: nodules in the lung, at the pleura and at vessels keep their score, what lies in tissue loses it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.networks.ag3d.anatomy import ENOUGH, air_around, directions, with_anatomy
from napari_lungmtl.training.networks.ag3d.config import Config
from napari_lungmtl.training.networks.ag3d.detect import Detections

WALL = 40
"""Lung lies below this x, chest wall from here on."""
CONFIG = Config(calibration=(3.5, -7.7))


def ball(z, y, x, diameter):
    grid = np.indices((60, 60, 70))
    return sum((a - c) ** 2 for a, c in zip(grid, (z, y, x), strict=True)) <= (diameter / 2) ** 2


def chest(*balls, vessel=None):
    hu = np.full((60, 60, 70), -850, np.int16)
    hu[:, :, WALL:] = 40
    if vessel:
        y, x, diameter = vessel
        rows, columns = np.indices((60, 70))
        hu[:, (rows - y) ** 2 + (columns - x) ** 2 <= (diameter / 2) ** 2] = 40
    for one in balls:
        hu[ball(*one)] = 40
    return hu


def found(*spheres, raw=0.95):
    n = len(spheres)
    score = np.full(n, 1 / (1 + np.exp(7.7 - 3.5 * np.log(raw / (1 - raw)))))
    both = np.full(n, raw)
    members = tuple(np.array([s], float) for s in spheres)
    return Detections(np.array(spheres, float), both, both, score, members)


PLACES = {
    "in the lung": ((30, 30, 20, 8.0), chest((30, 30, 20, 8)), True),
    "at the pleura": ((30, 30, WALL - 3, 8.0), chest((30, 30, WALL - 3, 8)), True),
    "at a vessel": ((30, 30, 20, 10.0), chest((30, 30, 20, 10), vessel=(30, 26, 5)), True),
    "in the chest wall": ((30, 30, WALL + 12, 8.0), chest(), False),
    "wall beside lung": ((30, 30, WALL + 3, 8.0), chest(), False),
    "in a hilum": ((30, 30, 25, 8.0), chest((30, 30, 25, 26)), False),
}


@pytest.mark.parametrize("place", PLACES)
def test_only_a_mark_without_air_around_loses_its_score(place):
    sphere, hu, keeps = PLACES[place]
    marks = found(sphere)
    after = with_anatomy(marks, hu, CONFIG)
    assert (air_around(hu, np.array(sphere)) >= ENOUGH) == keeps
    if keeps:
        assert after.score == marks.score
    else:
        assert after.score < marks.score
    assert np.array_equal(after.spheres, marks.spheres)
    assert (after.rpn, after.fprn) == (marks.rpn, marks.fprn)


def test_marks_come_by_descending_score_with_their_members():
    deep, free = (30, 30, WALL + 12, 8.0), (30, 30, 20, 8.0)
    after = with_anatomy(found(deep, free), chest((30, 30, 20, 8)), CONFIG)
    assert [tuple(s) for s in after.spheres] == [free, deep]
    assert [tuple(m[0]) for m in after.members] == [free, deep]
    assert after.score[1] < 0.01 < after.score[0]


def test_a_score_of_one_is_lowered_from_its_branches():
    sure = found((30, 30, WALL + 12, 8.0), raw=0.999)
    sure = Detections(sure.spheres, sure.rpn, sure.fprn, np.ones(1), sure.members)
    (score,) = with_anatomy(sure, chest(), CONFIG).score
    assert 0.98 < score < 1 - 1e-4  # 3.5 · 6.9 − 7.7 − 12


def test_a_mass_may_lie_in_tissue():
    mass = found((30, 30, WALL + 8, 34.0))
    assert air_around(chest(), mass.spheres[0]) < ENOUGH
    assert with_anatomy(mass, chest(), CONFIG).score == mass.score


def test_no_mark_at_all():
    nothing = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0), np.zeros(0))
    assert len(with_anatomy(nothing, chest(), CONFIG)) == 0


@settings(deadline=None, max_examples=25)
@given(st.tuples(st.integers(-5, 64), st.integers(-5, 64), st.integers(-5, 74)), st.floats(1, 60))
def test_a_share_wherever_the_mark_lies(center, diameter):
    hu = chest((30, 30, 20, 12))
    share = air_around(hu, np.array([*center, diameter]))
    assert 0 <= share <= 1
    mirrored = air_around(hu[::-1], np.array([59 - center[0], *center[1:], diameter]))
    assert share == pytest.approx(mirrored, abs=0.1)


def test_directions_are_even():
    vectors = directions()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.abs(vectors.mean(0)).max() < 0.01
