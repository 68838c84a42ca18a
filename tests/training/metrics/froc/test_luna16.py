import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.findings.formats import luna16
from napari_lungmtl.training.metrics.froc.luna16 import (
    RATES,
    Bootstrap,
    bootstrap,
    evaluate,
    froc_curve,
    match_marks,
    sensitivity_at,
    summarise,
)

DATA = os.environ.get("LUNGMTL_DATA")
real = pytest.mark.skipif(not DATA, reason="LUNGMTL_DATA is not set")

# A coarse grid, so that marks hit nodules and scores tie.
place = st.tuples(*(st.integers(0, 12),) * 3)
score = st.integers(0, 10).map(lambda n: n / 10)


def table(value, max_size=8):
    return st.lists(st.tuples(place, value), max_size=max_size).map(
        lambda rows: (
            np.array([p for p, _ in rows], float).reshape(-1, 3),
            np.array([v for _, v in rows], float),
        )
    )


scan = st.tuples(table(score), table(st.integers(1, 9), 3), table(st.sampled_from([-1, 4]), 3))
scans = st.lists(scan, min_size=1, max_size=6)


def judge(cases, **options):
    return [match_marks(*marks, *nodules, *excluded, **options) for marks, nodules, excluded in cases]


def one(marks, scores, nodules=((0, 0, 0),), diameters=(10,), excluded=(), excluded_diameters=(), **options):
    return match_marks(marks, scores, nodules, diameters, excluded, excluded_diameters, **options)


def test_a_hit_is_strictly_inside_the_radius():
    assert one([[0, 0, 4.999]], [0.5]).found.all()
    assert not one([[0, 0, 5]], [0.5]).found.any()
    assert not one([[3, 4, 0]], [0.5]).found.any()


def test_negative_diameters_count_as_ten_millimetres():
    m = one([[0, 0, 4.9], [0, 0, 5]], [0.5, 0.5], (), (), [[0, 0, 0]], [-1])
    np.testing.assert_array_equal(m.on_excluded, [True, False])
    assert one([[0, 0, 4.9]], [0.5], diameters=[-1]).found.all()


def test_a_found_nodule_counts_once_with_its_best_mark():
    m = one([[0, 0, 1], [0, 0, 2], [0, 0, 3], [0, 0, 50]], [0.2, 0.9, 0.4, 0.3])
    assert m.nodule_mark.tolist() == [1]
    assert m.hit.tolist() == [0, 0, 0, -1]
    assert m.hit_scores.tolist() == [0.9]
    assert m.duplicates == 2
    assert m.false_positive.tolist() == [False, False, False, True]


def test_one_mark_can_find_two_overlapping_nodules():
    m = one([[0, 0, 2]], [0.7], [[0, 0, 0], [0, 0, 3]], [10, 10])
    assert m.found.all()
    assert m.hit.tolist() == [1]
    assert m.hit_scores.tolist() == [0.7, 0.7]


def test_a_mark_on_a_nodule_and_on_an_excluded_finding_is_a_hit():
    m = one([[0, 0, 1]], [0.7], excluded=[[0, 0, 0]], excluded_diameters=[10])
    assert m.found.all()
    assert not m.on_excluded.any()


def test_the_tie_rule_of_the_hundred_marks():
    marks = np.full((102, 3), 90.0)
    scores = np.r_[np.linspace(1, 0.5, 99), [0.3, 0.3, 0.3]]
    # The 100th and the 101st tie: both go, and 99 stay.
    assert one(marks, scores).used.sum() == 99
    assert one(marks[:100], scores[:100]).used.sum() == 100
    assert one(marks, np.full(102, 0.5)).used.sum() == 0
    assert one(marks, scores, max_marks=None).used.all()


def test_known_curve():
    cases = [
        one([[0, 0, 0], [0, 0, 50]], [0.9, 0.8]),
        one([[0, 0, 0], [0, 0, 50], [0, 0, 60]], [0.7, 0.95, 0.1]),
        one(np.empty((0, 3)), []),
        one([[0, 0, 50]], [0.6], (), ()),
    ]
    curve = froc_curve(cases)
    np.testing.assert_allclose(curve.fp_rate, [0, 0.25, 0.25, 0.5, 0.5, 0.75, 1])
    np.testing.assert_allclose(curve.sensitivity, np.array([0, 0, 1, 1, 2, 2, 2]) / 3)
    np.testing.assert_allclose(curve.threshold, [np.inf, 0.95, 0.9, 0.8, 0.7, 0.6, 0.1])
    # On the step its upper end holds, between the points a line, beyond the last point its value.
    np.testing.assert_allclose(sensitivity_at(curve, [0.125, 0.25, 0.375, 8]), np.array([0, 1, 1, 2]) / 3)


@settings(deadline=None)
@given(scans, st.randoms(use_true_random=False))
def test_order_does_not_matter(cases, random):
    def shuffled(points):
        order = list(range(len(points[0])))
        random.shuffle(order)
        return points[0][order], points[1][order]

    mixed = [tuple(shuffled(points) for points in case) for case in cases]
    random.shuffle(mixed)
    for limit in (100, 3):
        a, b = (summarise(judge(c, max_marks=limit)).to_json() for c in (cases, mixed))
        assert a == b


@settings(deadline=None)
@given(scans)
def test_a_perfect_detector_scores_one(cases):
    perfect = [((nodules[0], np.ones(len(nodules[0]))), nodules, excluded) for _, nodules, excluded in cases]
    result = summarise(judge(perfect))
    if result.nodules:
        np.testing.assert_allclose(result.sensitivity_at, 1)
        assert result.cpm == pytest.approx(1)
        assert result.false_positives == 0
    else:
        assert np.isnan(result.cpm)


@settings(deadline=None)
@given(scans, st.integers(1, 3))
def test_duplicated_marks_never_raise_a_score(cases, times):
    doubled = [
        ((np.repeat(m[0], times + 1, axis=0), np.repeat(m[1], times + 1)), nodules, excluded)
        for m, nodules, excluded in cases
    ]
    # Without the limit of 100: there duplicates can push a false positive out. Read just beyond the rates, where rounding
    # cannot decide between the two ends of a step (see the curve).
    rates = np.array(RATES) * (1 + 1e-9)
    before, after = (sensitivity_at(froc_curve(judge(c, max_marks=None)), rates) for c in (cases, doubled))
    if np.isfinite(before).all():
        assert (after <= before + 1e-7).all()


@settings(deadline=None)
@given(scans)
def test_counts_add_up(cases):
    result = summarise(judged := judge(cases, max_marks=5))
    used = sum(m.used.sum() for m in judged)
    hitting = sum((m.hit >= 0).sum() for m in judged)
    assert result.false_positives + result.ignored_excluded + hitting == used
    assert result.true_positives + result.false_negatives == result.nodules
    # A mark that finds two nodules counts for both.
    assert result.true_positives + result.ignored_duplicates >= hitting
    curve = result.curve
    assert (np.diff(curve.fp_rate) >= 0).all()
    assert not result.nodules or (np.diff(curve.sensitivity) >= 0).all()
    assert curve.fp_rate[-1] * result.scans == pytest.approx(result.false_positives)


NODULE = (np.zeros((1, 3)), np.array([10.0]))


def test_empty_submission():
    result = evaluate(["a", "b"], {}, {"a": NODULE}, bootstrap_samples=20)
    assert result.sensitivity_at.tolist() == [0] * 7
    assert result.cpm == 0
    assert result.false_negatives == 1
    assert result.to_json()["bootstrap"]["cpm_mean"] == 0


def test_scans_without_nodules_count_in_the_rate():
    marks = {"a": (np.array([[0, 0, 0], [0, 0, 50.0]]), np.array([0.5, 0.9]))}
    few, many = (evaluate(["a", *others], marks, {"a": NODULE}) for others in ([], ["b", "c", "d"]))
    assert few.curve.fp_rate.max() == 1
    assert many.curve.fp_rate.max() == 0.25
    assert many.cpm > few.cpm


def test_no_nodule_anywhere_has_no_sensitivity():
    result = evaluate(["a"], {"a": (np.zeros((1, 3)), np.array([0.5]))}, {}, bootstrap_samples=5)
    assert result.false_positives == 1
    values = result.to_json()
    assert values["cpm"] is None
    assert values["bootstrap"]["cpm_lower"] is None
    json.dumps(values, allow_nan=False)


def test_unlisted_series_are_left_out_and_named():
    stray = {"a": (np.zeros((1, 3)), np.array([0.5])), "x": (np.zeros((4, 3)), np.ones(4))}
    result = evaluate(["a"], stray, {"a": NODULE, "y": NODULE})
    assert result.true_positives == result.nodules == 1
    assert result.false_positives == 0
    assert [w.split(" of ")[0] for w in result.warnings] == ["4 marks", "1 nodules"]


def test_wrong_arguments():
    with pytest.raises(ValueError, match="names a scan twice"):
        evaluate(["a", "a"], {}, {})
    with pytest.raises(ValueError, match="at least one scan"):
        evaluate([], {}, {})
    with pytest.raises(ValueError, match="2 mark positions but 1 values"):
        one(np.zeros((2, 3)), [1])
    with pytest.raises(ValueError, match="finite"):
        one(np.zeros((1, 3)), [np.nan])


def test_bootstrap_draws_groups_together():
    hit, miss = one([[0, 0, 0]], [0.5]), one(np.empty((0, 3)), [])
    mixed = bootstrap([hit, miss] * 4, samples=50, groups=[0, 0, 1, 1, 2, 2, 3, 3])
    # Every group holds one hit and one miss, so that every sample is the same.
    assert mixed.cpm_lower == mixed.cpm_upper == 0.5
    alone = bootstrap([hit, miss] * 4, samples=50)
    assert alone.cpm_lower < 0.5 < alone.cpm_upper
    with pytest.raises(ValueError, match="groups"):
        bootstrap([hit], groups=[0, 1])


def test_bootstrap_is_the_curve_of_the_drawn_scans():
    random = np.random.default_rng(3)
    cases = [
        one(random.integers(0, 9, (5, 3)), random.random(5), random.integers(0, 9, (2, 3)), [6, 6])
        for _ in range(6)
    ]
    drawn = np.random.RandomState(0)
    expected = np.array(
        [sensitivity_at(froc_curve([cases[i] for i in drawn.randint(6, size=6)])) for _ in range(30)]
    )
    np.testing.assert_allclose(bootstrap(cases, samples=30).mean, expected.mean(0))


@pytest.fixture(scope="module")
def official():
    folder = Path(DATA) / "luna16"
    result = evaluate(
        luna16.read_series(folder / "seriesuids.csv"),
        luna16.read_submission(folder / "dpn26bs32.csv.gz"),
        luna16.read_annotations(folder / "annotations.csv"),
        luna16.read_annotations(folder / "annotations_excluded.csv.gz"),
        bootstrap_samples=1000,
    )
    return result, json.loads((folder / "expected_froc.json").read_text())


@real
def test_equals_the_challenge(official):
    result, expected = official
    np.testing.assert_allclose(result.sensitivity_at, expected["sensitivities"], rtol=0, atol=1e-9)
    assert result.cpm == pytest.approx(expected["cpm"], abs=1e-9)
    assert result.scans == expected["scans"]
    assert result.nodules == expected["nodules"]
    assert result.true_positives == expected["true_positives"]
    assert result.false_negatives == expected["false_negatives"]
    assert result.false_positives == expected["false_positives"]
    assert result.ignored_excluded == expected["marks_ignored_on_excluded"]
    assert result.ignored_duplicates == expected["marks_ignored_double"]
    assert result.curve.fp_rate[-1] == pytest.approx(expected["false_positives_per_scan_all_marks"])
    assert result.warnings == ()


@real
def test_bootstrap_agrees_with_the_challenge(official):
    result, expected = official
    interval = result.bootstrap
    assert isinstance(interval, Bootstrap)
    for name in ("mean", "lower", "upper"):
        np.testing.assert_allclose(
            getattr(interval, name), expected["bootstrap"][f"sensitivities_{name}"], atol=5e-4
        )
    assert interval.cpm_mean == pytest.approx(expected["bootstrap"]["cpm_mean"], abs=1e-4)
    assert interval.cpm_lower < result.cpm < interval.cpm_upper
