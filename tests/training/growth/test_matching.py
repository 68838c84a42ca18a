"""Findings of two studies matched one to one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Finding, Sphere
from napari_lungmtl.training.growth.matching import REACH_MM, match_findings
from napari_lungmtl.training.growth.registration import Registration

HERE = Registration.by_position()


def ball(z: float, y: float = 0.0, x: float = 0.0, d: float = 8.0) -> Finding:
    return Finding(Sphere((z, y, x), d))


def pairs(matches) -> set[tuple[str | None, str | None]]:
    return {(m.present and m.present.id, m.prior and m.prior.id) for m in matches}


places = st.lists(st.builds(ball, *(st.floats(-40, 40) for _ in range(3)), st.floats(3, 30)), max_size=6)


@given(places, places)
def test_every_finding_stands_in_one_row(present, prior):
    matches = match_findings(present, prior, HERE)
    assert sorted(m.present.id for m in matches if m.present) == sorted(f.id for f in present)
    assert sorted(m.prior.id for m in matches if m.prior) == sorted(f.id for f in prior)
    for match in matches:
        if match.present and match.prior:
            allowed = REACH_MM + (match.present.diameter + match.prior.diameter) / 4
            assert match.distance is not None
            assert match.distance <= allowed
            assert np.isclose(
                match.distance, np.linalg.norm(np.subtract(match.present.center, match.prior.center))
            )


@given(places, places)
def test_as_many_are_matched_as_can_be(present, prior):
    """No two that might be the same nodule are left over beside each other."""
    matches = match_findings(present, prior, HERE)
    new = [m.present for m in matches if m.prior is None]
    gone = [m.prior for m in matches if m.present is None]
    for a in new:
        for b in gone:
            apart = np.linalg.norm(np.subtract(a.center, b.center))
            assert apart > REACH_MM + (a.diameter + b.diameter) / 4


@given(places, places)
def test_swapping_the_studies_swaps_the_pairs(present, prior):
    there = {(a, b) for b, a in pairs(match_findings(prior, present, HERE))}
    assert len(there) == len(pairs(match_findings(present, prior, HERE)))


def test_the_nearest_wins_and_of_two_neighbours_the_one_of_like_size():
    small, large = ball(0, d=4), ball(5, d=16)
    now = ball(2.5, d=15)
    (match, gone) = match_findings([now], [small, large], HERE)
    assert (match.prior, gone.prior) == (large, small)
    near, far = ball(1), ball(9)
    assert match_findings([ball(0)], [far, near], HERE)[0].prior is near


def test_places_are_compared_after_registration():
    moved = Registration(np.eye(3), np.array([100.0, 0.0, 0.0]))
    present, prior = ball(0), ball(101)
    assert match_findings([present], [prior], moved)[0].distance == 1.0
    assert pairs(match_findings([present], [prior], HERE)) == {(present.id, None), (None, prior.id)}
