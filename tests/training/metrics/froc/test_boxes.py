"""Boxes against nodules: FROC, AFROC and average precision beside plain loops and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from napari_lungmtl.training.metrics.froc.average_precision import average_precision, mean_of, pr_auc
from napari_lungmtl.training.metrics.froc.boxes import match_boxes, only
from napari_lungmtl.training.metrics.froc.boxes_auc import afroc_area, by_rows, froc_area, froc_sensitivity
from napari_lungmtl.training.metrics.froc.luna16 import froc_curve, sensitivity_at
from napari_lungmtl.training.ops.boxes import box_iou

ONE = np.ones


def box(x, y, side=10):
    return [x, y, x + side, y + side]


@st.composite
def radiographs(draw, most=6):
    """Radiographs with nodules and boxes: on a nodule, shifted from it, or anywhere; some scores are equal."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    found = []
    for _ in range(draw(st.integers(1, most))):
        truth = np.array([box(40 * i, 0, rng.integers(5, 30)) for i in range(rng.integers(0, 3))], float)
        marks = rng.uniform(0, 90, (rng.integers(0, 6), 1)) + rng.uniform(0, 3, (1, 4)) + [0, 0, 12, 12]
        on = truth[rng.integers(0, len(truth), rng.integers(0, 4))] if len(truth) else np.zeros((0, 4))
        boxes = np.concatenate([marks, on + rng.integers(-4, 5, (len(on), 1))])
        found.append((boxes, rng.integers(1, 12, len(boxes)) / 12, truth.reshape(-1, 4)))
    return found


def matched(found, iou=0.4):
    return [match_boxes(*radiograph, iou) for radiograph in found]


# Matching


def test_the_surer_box_takes_the_nodule_and_the_other_is_a_duplicate():
    m = match_boxes([box(0, 0), box(1, 0), box(50, 0)], [0.5, 0.9, 0.7], [box(0, 0)])
    assert m.nodule_mark.tolist() == [1]
    assert m.false_positive.tolist() == [False, False, True]
    assert m.duplicates == 1


def test_a_second_box_takes_the_next_nodule_it_overlaps():
    m = match_boxes([box(0, 0), box(1, 0)], [0.9, 0.8], [box(0, 0), box(3, 0)])
    assert m.nodule_mark.tolist() == [0, 1]


@pytest.mark.parametrize(("shift", "hit"), [(4.2, True), (4.3, False)])
def test_the_overlap_of_a_hit_is_04(shift, hit):
    # (10 - s) / (10 + s) = 0.4 at s = 30/7 = 4.286
    assert match_boxes([box(shift, 0)], [0.5], [box(0, 0)]).found.tolist() == [hit]


def test_what_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match="1 boxes but 2 scores"):
        match_boxes([box(0, 0)], [0.5, 0.4], [])
    with pytest.raises(ValueError, match="finite"):
        match_boxes([[0, 0, np.nan, 1]], [0.5], [])


@given(radiographs())
@settings(deadline=None)
def test_every_box_is_a_hit_a_duplicate_or_a_false_positive(found):
    for (boxes, scores, truth), m in zip(found, matched(found), strict=True):
        assert m.found.sum() + m.duplicates + m.false_positive.sum() == len(scores)
        near = box_iou(boxes, truth) >= 0.4
        assert (m.false_positive == ~near.any(1)).all()
        marks = m.nodule_mark[m.found]
        assert len(set(marks)) == len(marks)
        assert near[marks, np.flatnonzero(m.found)].all()
        # A nodule is missed only if every box near it has another nodule.
        for missed in np.flatnonzero(~m.found):
            assert set(np.flatnonzero(near[:, missed])) <= set(marks)


@given(radiographs(), st.integers(0, 7))
@settings(deadline=None)
def test_nodules_left_out_count_neither_way(found, bits):
    for m in matched(found):
        keep = np.array([bool(bits >> i & 1) for i in range(len(m.nodule_mark))], bool)
        part = only(m, keep)
        assert part.false_positive.tolist() == m.false_positive.tolist()
        assert part.hit_scores.tolist() == m.score[m.nodule_mark[keep & m.found]].tolist()
        assert (part.hit >= 0).sum() == part.found.sum() + part.duplicates
        assert part.used.sum() == len(m.score)


# FROC


def loops(found, rate_of_interest=None):
    """Threshold after threshold, radiograph after radiograph: (false positives per radiograph, sensitivity)."""
    ms = matched(found)
    points = [(0.0, 0.0)]
    nodules = sum(len(m.nodule_mark) for m in ms)
    for threshold in sorted({s for m in ms for s in m.score}, reverse=True):
        false = hits = 0
        for m in ms:
            for i, score in enumerate(m.score):
                if score < threshold:
                    continue
                if i in m.nodule_mark:
                    hits += 1
                elif m.hit[i] < 0:
                    false += 1
        points.append((false / len(found), hits / nodules))
    return points


def area_by_small_steps(points, up_to=1.0, steps=20000):
    x = (np.arange(steps) + 0.5) / steps * up_to
    return np.interp(x, *np.array(points).T).mean()


@given(radiographs())
@settings(max_examples=40, deadline=None)
def test_froc_beside_plain_loops(found):
    ms = matched(found)
    if not any(len(m.nodule_mark) for m in ms):
        assert np.isnan(froc_area(ms)(ONE(len(ms))))
        return
    points = loops(found)
    assert froc_area(ms)(ONE(len(ms))) == pytest.approx(area_by_small_steps(points), abs=1e-3)
    for rate in (0.25, 1.0):
        # Where the curve rises at one rate of false positives, its upper end counts.
        expected = max(
            [s for f, s in points if abs(f - rate) < 1e-12], default=np.interp(rate, *np.array(points).T)
        )
        assert froc_sensitivity(ms, rate)(ONE(len(ms))) == pytest.approx(expected)
    # The challenge's FROC of CT, another implementation, on the same matches.
    rates = np.array([0.125, 0.25, 0.5, 1, 2, 4])
    ours = [froc_sensitivity(ms, rate)(ONE(len(ms))) for rate in rates]
    np.testing.assert_allclose(ours, sensitivity_at(froc_curve(ms), rates), atol=1e-9)


def test_froc_by_hand():
    """Four radiographs, two nodules: hits at 0.9 and 0.6, false positives at 0.7 and 0.5."""
    ms = [
        match_boxes([box(0, 0), box(50, 0)], [0.9, 0.7], [box(0, 0)]),
        match_boxes([box(0, 0)], [0.6], [box(0, 0)]),
        match_boxes([box(0, 0)], [0.5], []),
        match_boxes([], [], []),
    ]
    # (0, .5) (.25, .5) (.25, 1) (.5, 1), then held to 1
    assert froc_area(ms)(ONE(4)) == pytest.approx(0.25 * 0.5 + 0.75)
    assert froc_area(ms, up_to=0.25)(ONE(4)) == pytest.approx(0.5)
    assert froc_sensitivity(ms, 0.1)(ONE(4)) == pytest.approx(0.5)
    assert froc_sensitivity(ms, 0.25)(ONE(4)) == pytest.approx(1.0)


def afroc_by_loops(found, positive):
    """Chance that a nodule's mark beats the highest mark on a radiograph without nodule."""
    wins = []
    for (_, _, truth), m, has in zip(found, matched(found), positive, strict=True):
        for nodule in range(len(truth)) if has else ():
            mark = m.nodule_mark[nodule]
            own = m.score[mark] if mark >= 0 else -np.inf
            for (_, scores, _), other in zip(found, positive, strict=True):
                if not other:
                    top = max(scores, default=-np.inf)
                    wins.append(1.0 if own > top else 0.5 if own == top else 0.0)
    return np.mean(wins) if wins else np.nan


@given(radiographs(most=8))
@settings(deadline=None)
def test_afroc_beside_plain_loops(found):
    positive = np.array([len(truth) > 0 for _, _, truth in found])
    value = afroc_area(matched(found), positive)(ONE(len(found)))
    np.testing.assert_allclose(value, afroc_by_loops(found, positive))


def test_afroc_ignores_marks_beside_nodules_and_a_silent_network_has_half():
    negative = match_boxes([], [], [])
    noisy = match_boxes([box(0, 0), box(50, 0)], [0.5, 0.9], [box(0, 0)])
    assert afroc_area([noisy, negative], np.array([True, False]))(ONE(2)) == 1.0
    silent = match_boxes([], [], [box(0, 0)])
    assert afroc_area([silent, negative], np.array([True, False]))(ONE(2)) == 0.5
    assert np.isnan(afroc_area([silent], np.array([True]))(ONE(1)))


# Average precision


def voc_by_loops(found):
    """Recall and precision at each threshold, the highest precision at this recall or beyond."""
    ms = matched(found)
    nodules = sum(len(m.nodule_mark) for m in ms)
    points = []
    for threshold in sorted({s for m in ms for s in m.score}, reverse=True):
        called = sum(int((m.score >= threshold).sum()) for m in ms)
        hits = sum(int((m.hit_scores >= threshold).sum()) for m in ms)
        points.append((hits / nodules, hits / called))
    total, before = 0.0, 0.0
    for i, (recall, _) in enumerate(points):
        total += (recall - before) * max(p for _, p in points[i:])
        before = recall
    return total


@given(radiographs())
@settings(deadline=None)
def test_average_precision_beside_plain_loops(found):
    ms = matched(found)
    value = average_precision(ms)(ONE(len(ms)))
    if any(len(m.nodule_mark) for m in ms):
        assert value == pytest.approx(voc_by_loops(found))
    else:
        assert np.isnan(value)


def test_average_precision_beside_scikit_learn():
    """Where precision falls with every false positive only, making it monotone changes nothing but the sag between."""
    rng = np.random.default_rng(0)
    truth = [box(0, 0)]
    ms = [match_boxes([box(0, 0)] if i % 2 else [box(50, 0)], [rng.random()], truth) for i in range(400)]
    label, score = [len(m.hit_scores) for m in ms], [m.score[0] for m in ms]
    theirs = average_precision_score(label, score) * sum(label) / 400
    ours = average_precision(ms)(ONE(400))
    assert theirs - 1e-12 <= ours < theirs + 0.02


def test_a_duplicate_costs_precision_but_no_sensitivity():
    once = [match_boxes([box(0, 0)], [0.9], [box(0, 0), box(50, 0)])]
    twice = [match_boxes([box(0, 0), box(1, 0), box(50, 0)], [0.9, 0.8, 0.7], [box(0, 0), box(50, 0)])]
    assert average_precision(once)(ONE(1)) == 0.5
    assert average_precision(twice)(ONE(1)) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert froc_area(twice)(ONE(1)) == 1.0


labels_and_scores = st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=40)


@given(labels_and_scores, st.integers(0, 10**6))
@settings(deadline=None)
def test_pr_auc_is_scikit_learns(pairs, seed):
    label, score = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs], float)
    weights = np.random.default_rng(seed).integers(0, 3, (4, len(pairs))).astype(float)
    ours = pr_auc(label, score)(weights)
    for w, value in zip(weights, ours, strict=True):
        if (w * label).sum() and (w * ~label).sum():
            assert value == pytest.approx(average_precision_score(label, score, sample_weight=w))
        else:
            assert np.isnan(value)


# What all of them share


def measures(found):
    positive = np.array([len(truth) > 0 for _, _, truth in found])
    ms = matched(found)
    return {
        "froc": froc_area(ms),
        "sensitivity": froc_sensitivity(ms, 0.5),
        "afroc": afroc_area(ms, positive),
        "ap": average_precision(ms),
        "mean": mean_of([average_precision(ms), froc_area(ms)]),
    }


@given(radiographs(most=8), st.randoms())
@settings(max_examples=40, deadline=None)
def test_order_and_monotone_changes_of_scores_change_nothing(found, random):
    shuffled = random.sample(found, len(found))
    shuffled = [
        (b[order], s[order], t) for b, s, t in shuffled for order in [random.sample(range(len(s)), len(s))]
    ]
    stretched = [(b, np.exp(3 * s) - 50, t) for b, s, t in found]
    expected = {name: float(m(ONE(len(found)))) for name, m in measures(found).items()}
    for other in (shuffled, stretched):
        got = {name: float(m(ONE(len(found)))) for name, m in measures(other).items()}
        assert got == pytest.approx(expected, nan_ok=True)


@given(radiographs(most=8))
@settings(max_examples=40, deadline=None)
def test_a_weight_of_two_is_the_radiograph_twice(found):
    weight = np.arange(len(found)) % 3
    if not weight.any():
        weight = weight + 1
    repeated = [radiograph for radiograph, n in zip(found, weight, strict=True) for _ in range(n)]
    for name, m in measures(found).items():
        again = float(measures(repeated)[name](ONE(len(repeated))))
        assert float(m(weight.astype(float))) == pytest.approx(again, nan_ok=True), name


@given(radiographs(most=8))
@settings(max_examples=40, deadline=None)
def test_better_marks_are_not_worse(found):
    """A false positive less, or a surer hit, does not lower any measure."""
    before = {name: float(m(ONE(len(found)))) for name, m in measures(found).items()}
    better = []
    for (boxes, scores, truth), m in zip(found, matched(found), strict=True):
        raised = scores.copy()
        raised[m.nodule_mark[m.found]] = 2.0
        keep = ~m.false_positive
        better.append((boxes[keep], raised[keep], truth))
    after = {name: m(ONE(len(found))) for name, m in measures(better).items()}
    for name, value in before.items():
        assert np.isnan(value) or after[name] >= value - 1e-12, name


def test_perfect_boxes_have_one_everywhere():
    found = [([box(0, 0)], [0.9], [box(0, 0)]), ([], [], [])]
    for name, m in measures(found).items():
        assert m(ONE(2)) == 1.0, name


def test_by_rows_takes_one_row_and_many():
    total = by_rows(lambda w: float(w.sum()))
    assert total(np.array([1.0, 2.0])) == 3
    assert total(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist() == [3, 7]
    assert np.isnan(total(np.zeros(2)))


def test_afroc_is_the_roc_curve_where_each_radiograph_has_one_mark_and_one_nodule_at_most():
    rng = np.random.default_rng(1)
    positive = np.arange(100) % 2 == 0
    score = np.round(rng.random(100), 1)
    ms = [
        match_boxes([box(0, 0)], [s], [box(0, 0)] if p else []) for s, p in zip(score, positive, strict=True)
    ]
    assert afroc_area(ms, positive)(ONE(100)) == pytest.approx(roc_auc_score(positive, score))
