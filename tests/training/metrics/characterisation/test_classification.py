"""Against scikit-learn, by hand, and against drawing nodules one by one."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from napari_lungmtl.training.metrics.characterisation.classification import (
    brier_score,
    calibration_error,
    rates,
    reliability,
    roc_auc,
)
from napari_lungmtl.training.metrics.intervals.bootstrap import (
    Interval,
    bootstrap_weights,
    interval,
    paired_difference,
    percentile_interval,
)

from ....stand_ins.pace import pace

# A coarse grid, so that scores tie and fall on the edges of bins.
nodules = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20).map(lambda n: n / 20)), min_size=2).filter(
    lambda rows: {label for label, _ in rows} == {0, 1}
)


@settings(deadline=None)
@given(nodules)
def test_measures_are_those_of_scikit_learn(rows):
    label, p = map(np.array, zip(*rows, strict=True))
    assert roc_auc(label, p) == pytest.approx(metrics.roc_auc_score(label, p))
    assert brier_score(label, p) == pytest.approx(metrics.brier_score_loss(label, p))
    at = rates(label, p, 0.4)
    called = p >= 0.4
    assert at.accuracy == pytest.approx(metrics.accuracy_score(label, called))
    assert at.sensitivity == pytest.approx(metrics.recall_score(label, called))
    assert at.specificity == pytest.approx(metrics.recall_score(label, called, pos_label=0))
    observed, predicted = calibration_curve(label, p, n_bins=10)
    table = reliability(label, p)
    np.testing.assert_allclose([row.observed for row in table], observed)
    np.testing.assert_allclose([row.predicted for row in table], predicted)


@settings(deadline=None)
@given(nodules, st.sampled_from(["width", "mass"]))
def test_calibration_error_is_the_weighted_gap_of_the_reliability_table(rows, equal):
    label, p = map(np.array, zip(*rows, strict=True))
    table = reliability(label, p, equal=equal)
    assert sum(row.count for row in table) == len(p)
    by_hand = sum(row.count * abs(row.observed - row.predicted) for row in table) / len(p)
    assert calibration_error(label, p, equal=equal) == pytest.approx(by_hand)


@settings(deadline=None)
@given(nodules, st.data())
def test_weights_count_like_repeated_nodules(rows, data):
    label, p = map(np.array, zip(*rows, strict=True))
    weight = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(p), max_size=len(p))))
    repeated, again = np.repeat(label, weight), np.repeat(p, weight)
    both = {0, 1} == set(repeated.tolist())
    expected = metrics.roc_auc_score(repeated, again) if both else np.nan
    many = np.stack([weight, np.ones(len(p))])
    np.testing.assert_allclose(roc_auc(label, p, many), [expected, roc_auc(label, p)])
    if len(repeated):
        assert brier_score(label, p, weight) == pytest.approx(brier_score(repeated, again))
        assert calibration_error(label, p, weight=weight) == pytest.approx(calibration_error(repeated, again))
    if both:
        assert rates(label, p, 0.5, weight).specificity == pytest.approx(
            rates(repeated, again, 0.5).specificity
        )


def test_by_hand():
    label, p = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.6, 0.95])
    # Of four pairs three are in order and one is a tie.
    assert roc_auc(label, p) == 3.5 / 4
    assert rates(label, p).specificity == 0.5
    # Three bins: 0.1 (gap 0.1), twice 0.6 with one malignant (gap 0.1 for each of two), 0.95 (gap 0.05).
    assert calibration_error(label, p) == pytest.approx((0.1 + 2 * 0.1 + 0.05) / 4)
    # Equal mass keeps equal probabilities together.
    assert [row.count for row in reliability(label, p, 2, "mass")] == [3, 1]


def test_one_class_has_no_auc_but_an_accuracy():
    assert np.isnan(roc_auc([1, 1], [0.2, 0.7]))
    assert rates([1, 1], [0.2, 0.7]).accuracy == 0.5
    assert np.isnan(rates([1, 1], [0.2, 0.7]).specificity)


@pytest.mark.parametrize(
    ("label", "score", "says"),
    [
        ([0, -1], [0.1, 0.2], "neither"),
        ([0, 1, 1], [0.1, 0.2], "labels for"),
        ([0, 1], [0.1, np.nan], "finite"),
    ],
)
def test_wrong_input_is_refused(label, score, says):
    with pytest.raises(ValueError, match=says):
        roc_auc(label, score)


def test_calibration_takes_probabilities_only():
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration_error([0, 1], [-2.0, 3.0])


def study(rng, scans, per_scan):
    """Nodules of a scan that agree with each other: label and score drawn by scan."""
    series = np.repeat(np.arange(scans), per_scan)
    label = rng.integers(0, 2, scans)[series]
    score = 1 / (1 + np.exp(-(rng.normal(label[::per_scan] * 1.5, 1)[series])))
    return series, label, score


def test_scans_are_drawn_whole():
    weights = bootstrap_weights(np.array(["b", "a", "b", "c"]), samples=200)
    assert weights.shape == (200, 4)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(1) == 3).all()
    assert (bootstrap_weights([1, 2], seed=3) == bootstrap_weights([1, 2], seed=3)).all()


def test_copies_of_a_nodule_do_not_narrow_the_interval():
    series, label, score = study(np.random.default_rng(0), 60, 1)
    alone = interval(lambda w: roc_auc(label, score, w), bootstrap_weights(series))
    times5 = [np.repeat(a, 5) for a in (series, label, score)]
    copied = interval(lambda w: roc_auc(times5[1], times5[2], w), bootstrap_weights(times5[0]))
    assert (copied.lower, copied.upper) == pytest.approx((alone.lower, alone.upper))
    by_nodule = interval(lambda w: roc_auc(times5[1], times5[2], w), bootstrap_weights(np.arange(300)))
    assert by_nodule.upper - by_nodule.lower < 0.6 * (alone.upper - alone.lower)


def test_an_interval_of_no_width_holds_its_value_to_the_last_bit():
    """Every scan has the ratio 0.7 / 3: whatever is drawn, samples differ from it by rounding only."""
    part = np.tile([0.9, -0.1, -0.1], 30)

    def ratio(w):
        return (w @ part) / w.sum(-1)

    bounds = interval(ratio, bootstrap_weights(np.repeat(np.arange(30), 3)))
    assert bounds.lower == bounds.value == bounds.upper == pytest.approx(0.7 / 3)
    assert percentile_interval(0.0, np.array([1e-17, np.nan, 3e-17])) == Interval(0.0, 0.0, 0.0)


def test_the_interval_holds_the_truth_nineteen_times_in_twenty():
    # AUC of two normals 1.5 apart: Φ(1.5 / √2).
    rng = np.random.default_rng(1)
    truth, held = 0.8556, []
    for _ in range(150):
        series, label, score = study(rng, 80, 2)
        bounds = interval(lambda w: roc_auc(label, score, w), bootstrap_weights(series, 300))  # noqa: B023
        held.append(bounds.lower <= truth <= bounds.upper)
    assert 0.87 <= np.mean(held) <= 0.99


def test_pairs_are_compared_on_the_same_draws():
    rng = np.random.default_rng(2)
    series, label, score = study(rng, 100, 3)
    weights = bootstrap_weights(series)
    worse = np.clip(score + rng.normal(0, 0.15, len(score)), 0, 1)

    def auc(p):
        return lambda w: roc_auc(label, p, w)

    none = paired_difference(auc(score), auc(score), weights)
    assert (none.value, none.lower, none.upper) == (0, 0, 0)
    gain = paired_difference(auc(score), auc(worse), weights)
    assert gain.value == pytest.approx(roc_auc(label, score) - roc_auc(label, worse))
    own = interval(auc(score), weights)
    assert gain.upper - gain.lower < own.upper - own.lower
    assert paired_difference(auc(worse), auc(score), weights).lower == pytest.approx(-gain.upper)


def test_a_thousand_samples_of_a_thousand_nodules_are_quick():
    rng = np.random.default_rng(3)
    series, label, score = study(rng, 500, 2)
    start = time.process_time()
    interval(lambda w: roc_auc(label, score, w), bootstrap_weights(series, 1000))
    # The best of machines needs a tenth of a second; two seconds are what the report can bear.
    assert time.process_time() - start < 2 * pace()
