"""Marks judged by their centres, and radiographs of which not every nodule is known."""

import numpy as np
import pytest

from napari_lungmtl.training.metrics.froc.boxes import match_boxes, match_centers, without_false
from napari_lungmtl.training.metrics.froc.boxes_auc import froc_area, froc_sensitivity

TRUTH = [[0, 0, 10, 10], [20, 0, 40, 20]]


def test_a_centre_in_the_box_is_a_hit_whatever_the_size():
    m = match_centers([[5, 5], [39, 19], [10, 5], [12, 5]], [0.9, 0.8, 0.7, 0.6], TRUTH)
    # The right and lower edges are outside.
    assert m.hit.tolist() == [0, 1, -1, -1]
    assert m.false_positive.tolist() == [False, False, True, True]
    assert m.nodule_mark.tolist() == [0, 1]


def test_the_surest_mark_stands_for_all_and_the_nearest_free_nodule_is_taken():
    nested = [[0, 0, 20, 20], [8, 8, 12, 12]]
    m = match_centers([[9.5, 9.5], [2, 2], [3, 3]], [0.5, 0.9, 0.4], nested)
    assert m.nodule_mark.tolist() == [1, 0]
    assert m.duplicates == 1
    assert not m.false_positive.any()


@pytest.mark.parametrize(
    ("centers", "scores", "said"),
    [([[1, 1]], [0.1, 0.2], "1 centres but 2"), ([[np.nan, 1]], [0.1], "finite")],
)
def test_what_cannot_be_matched(centers, scores, said):
    with pytest.raises(ValueError, match=said):
        match_centers(centers, scores, TRUTH)


def test_a_radiograph_with_unknown_nodules_adds_hits_and_no_false_marks():
    """Half found at one false mark on the one complete radiograph; the marks beside the known box of the other count nowhere."""
    complete = match_boxes([[50, 50, 60, 60]], [0.6], np.zeros((0, 4)))
    partly = match_boxes([TRUTH[0], [70, 70, 80, 80], TRUTH[1]], [0.7, 0.9, 0.5], TRUTH)
    known = np.array([True, False])
    weights = np.ones(2)
    assert froc_sensitivity([complete, partly], 0.5, known)(weights) == 0.5
    assert froc_sensitivity([complete, partly], 1.0, known)(weights) == 1.0
    assert froc_area([complete, partly], complete=known)(weights) == pytest.approx(0.5)
    # As if all were known, the mark at 0.9 comes before every hit.
    assert froc_sensitivity([complete, partly], 0.25)(weights) == 0
    assert without_false(partly).score[without_false(partly).false_positive].tolist() == []
