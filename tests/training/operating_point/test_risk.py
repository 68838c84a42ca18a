"""The promise on false marks: exact where it can be computed, kept in simulations and by a real detector."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.operating_point.risk import (
    CLIP,
    controlled_threshold,
    count_table,
    expected_threshold,
    threshold_of,
    wealth,
)

EXPERIMENT = Path(__file__).parents[3] / "experiments" / "operating_point" / "deeplung.py"
SCORES = st.lists(
    st.lists(st.sampled_from([0.05, 0.1, 0.3, 0.5, 0.9, 1.0]), max_size=8).map(np.array), max_size=30
)


@given(SCORES)
def test_counts_are_those_of_each_threshold(scores):
    thresholds, counts = count_table(scores)
    assert thresholds[0] == np.inf
    assert (np.diff(thresholds) < 0).all()
    for k, t in enumerate(thresholds):
        assert list(counts[:, k]) == [int((s >= t).sum()) for s in scores]


@settings(max_examples=30)
@given(SCORES, st.sampled_from([1.0, 2.0, 4.0]), st.randoms(use_true_random=False))
def test_the_order_of_scans_does_not_count_and_more_false_marks_never_loosen(scores, most, random):
    threshold = controlled_threshold(scores, most)
    mixed = list(scores)
    random.shuffle(mixed)
    assert controlled_threshold(mixed, most) == threshold
    if not scores:
        assert threshold is None
        return
    worse = [np.append(scores[0], 0.9), *scores[1:]]
    other = controlled_threshold(worse, most)
    assert other is None if threshold is None else (other is not None and other >= threshold)


def test_few_scans_promise_nothing_and_ten_without_false_marks_all():
    nothing = np.zeros(0)
    assert controlled_threshold([nothing] * 7, 1.0) is None
    assert controlled_threshold([nothing] * 10, 1.0) == 0.0
    assert controlled_threshold([np.array([1.0])] * 10, 1.0) > 1.0, "one a scan is no less than one"
    assert controlled_threshold([np.array([0.8])] * 40, 2.0) == 0.0


def test_wealth_is_what_the_bets_make():
    assert wealth(np.zeros((3, 0)), 1 / 3).shape == (0,)
    losses = np.array([0.0, 1.0, 0.0])[:, None]
    bets = np.linspace(0.05, 1, 20) * 1.5
    shares = np.r_[np.full(19, 0.025), 0.525]
    by_hand = sum(s * (1 + b / 3) ** 2 * (1 - b * 2 / 3) for s, b in zip(shares, bets, strict=True))
    assert wealth(losses, 1 / 3)[0] == pytest.approx(by_hand)


@pytest.mark.parametrize("scans", [10, 40])
def test_the_promise_is_broken_in_at_most_five_of_a_hundred_calibrations(scans):
    """False marks of scans are clustered: a scan has many or few, and the threshold would have to be at 0.3."""
    random = np.random.default_rng(1)
    broken, most, tried = 0, 2.0, 400
    for _ in range(tried):
        rates = random.gamma(0.7, 4 / 0.7, scans)
        scores = [random.uniform(0, 1, random.poisson(rate)) for rate in rates]
        threshold = controlled_threshold(scores, most)
        fresh = np.minimum(
            random.poisson(random.gamma(0.7, 4 / 0.7, 4000) * (1 - min(threshold, 1.0))), CLIP * most
        )
        broken += fresh.mean() > most
    assert broken / tried < 0.05


def test_conformal_risk_control_is_looser():
    random = np.random.default_rng(0)
    table = count_table([random.uniform(0, 1, random.poisson(6)) for _ in range(30)])
    strict, loose = threshold_of(*table, 2.0), expected_threshold(*table, 2.0)
    assert loose < strict
    assert expected_threshold(*count_table([]), 2.0) is None


def test_it_is_kept_by_a_real_detector(lungmtl_data):
    """A sample of ``experiments/operating_point/deeplung.py``, whose 1,000 splits are in the documentation."""
    experiment = runpy.run_path(str(EXPERIMENT))
    matchings = experiment["matched"](lungmtl_data / "luna16")
    for size in (10, 30, 100):
        for line in experiment["rows"](matchings, size, 25):
            kept = float(line.split()[3])
            assert kept >= 0.95, line
