"""Answers in words, scores that can be used as thresholds, and which candidate is followed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.explain.answer import (
    FIELD,
    FLOOR,
    OVERLAP,
    THRESHOLD,
    Answer,
    Cause,
    Place,
    lower,
    promising,
    under_threshold,
)
from napari_lungmtl.training.explain.turned import TurnedTrace
from napari_lungmtl.training.findings import Box, Sphere
from napari_lungmtl.training.findings.turned import geometry_as_stored
from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.radiograph.orientation import Orientation, WorldMap

PLACE = Place((1.0, 2.0, 3.0))


@given(st.floats(1e-4, 1.0))
def test_a_threshold_set_to_what_is_read_lets_the_mark_pass(score):
    assert float(lower(score)) <= score + 1e-6
    assert float(lower(score)) >= 0.9 * score


def test_a_weak_mark_would_appear_at_its_score():
    weak = Answer("net", "Net", PLACE, mark=Sphere((1, 2, 3), 5), score=0.178)
    assert under_threshold(weak, 0.1).sentence == "Net marks this place, score 0.17."
    hidden = under_threshold(weak, 0.5)
    assert hidden.cause is not None
    assert hidden.cause.kind == THRESHOLD
    assert hidden.sentence.endswith("it would appear at a threshold of 0.17.")
    assert hidden.stages[-1].passed is False


def test_the_first_cause_is_named_and_others_in_short():
    outside, low = Cause(FIELD, "Outside.", "And outside."), Cause(FLOOR, "Low.", "And low.")
    assert Answer("net", "Net", PLACE, score=0.3, causes=(outside, low)).sentence == "Outside. And low."
    alone = Answer("net", "Net", PLACE, score=0.3, causes=(outside,))
    assert alone.sentence == "Outside. But for that it would be marked, with a score of 0.30."


@pytest.mark.parametrize(
    ("overlap", "field", "floor", "score", "first"),
    [
        ((0, 0), (0, 0), (0, 1), (0.1, 0.9), 0),  # nothing against it
        ((1, 1), (0, 1), (0, 0), (0.1, 0.9), 0),  # one suppression rather than two
        ((1, 0), (0, 0), (0, 1), (0.1, 0.02), 0),  # one suppression rather than a low score
        ((1, 0), (0, 0), (1, 1), (0.04, 0.02), 1),  # a low score rather than both
        ((0, 0), (0, 0), (1, 1), (0.01, 0.02), 1),  # the surer of two alike
    ],
)
def test_the_candidate_with_least_against_it_is_followed(overlap, field, floor, score, first):
    against = {k: np.array(v, bool) for k, v in ((OVERLAP, overlap), (FIELD, field), (FLOOR, floor))}
    assert promising(against, np.array(score))[0] == first


class Centered:
    """Says of each place that its point is marked by a box around it."""

    model, version, nbytes = "net", "1", 8

    def answer(self, place):
        y, x = place.point
        nodule = place.nodule or Box((y - 1, x - 2), (y + 1, x + 2))
        return Answer("net", "Net", place, mark=nodule, score=0.5)


@given(st.integers(0, 3), st.booleans(), st.floats(0, 300), st.floats(0, 500))
def test_a_turned_radiograph_is_asked_where_the_person_clicks(quarters, mirrored, y, x):
    stored = Image(np.zeros((60, 100), np.uint8), "DX", (5.0, 5.0), (3.0, -7.0))
    orientation = Orientation(quarters, mirrored)
    world = WorldMap.of(stored, orientation)
    trace = TurnedTrace(Centered(), world)
    answer = trace.answer(Place((y, x)))
    assert answer.place.point == (y, x)
    assert answer.mark.center == pytest.approx((y, x), abs=1e-6)
    nodule = Box((y, x), (y + 10, x + 20))
    back = trace.answer(Place((y, x), nodule)).mark
    assert np.allclose([back.low, back.high], [nodule.low, nodule.high])
    assert geometry_as_stored(back, world) is not None
