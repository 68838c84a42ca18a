"""What grafts tell: found or not, shares and the map."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.blind.lattice import coarse_to_fine, lattice
from napari_lungmtl.training.blind.radiograph import groups
from napari_lungmtl.training.blind.trials import (
    Grid,
    Trial,
    best_within,
    chance_at,
    chance_map,
    interval,
    share,
)

INSIDE = np.ones((20, 30, 30), bool)
INSIDE[:, :3] = False
GRID = Grid(INSIDE, (3.0, 3.0, 3.0), (-50.0, 0.0, 10.0))


def test_a_mark_that_was_there_before_is_no_detection():
    assert Trial((0, 0, 0), 8, 0.7).found(0.5)
    assert not Trial((0, 0, 0), 8, 0.7).found(0.8)
    assert not Trial((0, 0, 0), 8, 0.7, before=0.6).found(0.5)
    assert Trial((0, 0, 0), 8, 0.7, before=0.3).found(0.5)


def test_marks_count_within_the_sphere():
    spheres, scores = np.array([[0, 0, 3.9, 5], [0, 0, 4.1, 5]]), np.array([0.4, 0.9])
    assert best_within(spheres, scores, (0, 0, 0), 8) == 0.4
    assert best_within(spheres[1:], scores[1:], (0, 0, 0), 8) == 0
    assert best_within(np.zeros((0, 4)), np.zeros(0), (0, 0, 0), 8) == 0


def test_the_map_is_low_where_grafts_are_missed_and_empty_where_nobody_looked():
    left = [Trial((z, 45.0, 25.0), 6, 0.0) for z in (-40.0, -20.0)]
    right = [Trial((z, 45.0, 85.0), 6, 0.9) for z in (-40.0, -20.0)]
    chance = chance_map([*left, *right], 0.5, GRID)
    assert np.isnan(chance[:, :3]).all(), "outside of the lungs"
    assert chance[7, 15, 5] < 0.3 < 0.7 < chance[7, 15, 25]
    assert np.isnan(chance_map(left[:1], 0.5, GRID)[:, :, -1]).all()
    assert np.isnan(chance_map([], 0.5, GRID)).all()
    assert np.nanmax(chance_map(left, 0.5, GRID)) == 0
    assert np.nanmax(chance_map(right, 0.95, GRID)) == 0, "the threshold counts"
    place = (-29.0, 45.0, 25.0)
    assert chance_at([*left, *right], 0.5, place) == pytest.approx(chance[7, 15, 5], abs=0.02)


@given(tried=st.integers(1, 50), data=st.data())
@settings(max_examples=20, deadline=None)
def test_an_interval_holds_the_share(tried, data):
    found = data.draw(st.integers(0, tried))
    low, high = interval(found, tried)
    assert 0 <= low <= found / tried <= high <= 1
    trials = [Trial((0, 0, 0), 5, 0.9 if i < found else 0.1) for i in range(tried)]
    assert share(trials, 0.5) == (found, tried)


def test_the_lattice_goes_from_coarse_to_fine_in_open_lung():
    rng = np.random.default_rng(0)
    open_ = INSIDE.copy()
    open_[:, :, 15:] = False
    walked = list(coarse_to_fine(GRID, open_, rng, (30.0, 15.0)))
    places = np.array([p for p, _, _ in walked])
    assert [n for _, n, _ in walked] == list(range(len(walked)))
    assert walked[0][2] == len(walked) > 12
    index = np.round((places - GRID.origin) / GRID.spacing).astype(int)
    assert open_[tuple(index.T)].all()
    coarse = lattice(GRID, 30.0, open_, np.random.default_rng(0))
    assert np.array_equal(places[: len(coarse)], coarse)
    assert not len(lattice(GRID, 30.0, np.zeros_like(open_), rng))


def test_grafts_at_the_same_time_are_far_apart():
    places = np.random.default_rng(0).uniform(0, 300, (30, 2))
    made = groups(places, 70.0, 4)
    assert sorted(i for g in made for i in g) == list(range(30))
    for group in made:
        away = np.linalg.norm(places[group][:, None] - places[group][None], axis=-1)
        assert len(group) <= 4
        assert away[~np.eye(len(group), dtype=bool)].min(initial=1e9) >= 70
