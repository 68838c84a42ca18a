"""Scores mean what they say: Platt scaling finds what made the labels, and 0.5 is the operating point."""

import numpy as np
import pytest
from scipy.special import expit

from napari_lungmtl.training.metrics.calibration import calibrate_detector, platt
from napari_lungmtl.training.ops.logits import log_odds


def drawn(n: int):
    """Log odds, and labels that they made."""
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 2, n)
    return truth, (rng.random(n) < expit(truth)).astype(int)


def test_platt_finds_the_slope_and_intercept_that_made_the_labels():
    truth, label = drawn(20000)
    slope, intercept = platt((truth - 0.7) * 2, label)
    assert slope == pytest.approx(0.5, rel=0.05)
    assert intercept == pytest.approx(0.7, abs=0.05)


def test_platt_leaves_the_ambiguous_out_and_one_class_alone():
    score, label = np.array([-2.0, 2, 90, -1, 1]), np.array([0, 1, -1, 1, 0])
    assert platt(score, label) == platt(score[label >= 0], label[label >= 0])
    assert platt(np.array([1.0, 2.0]), np.array([1, 1])) == (1.0, 0.0)
    assert platt(np.zeros(0), np.zeros(0)) == (1.0, 0.0)


def test_platt_keeps_the_order_and_stays_finite():
    score = np.array([-3.0, -2, -1, 1, 2, 3])
    assert platt(score, np.array([1, 1, 1, 0, 0, 0]), least=0.3)[0] == 0.3
    assert 1 < platt(score, np.array([0, 0, 0, 1, 1, 1]))[0] < 10


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_timid_score_is_sharpened_and_a_bold_one_softened(factor: float):
    truth, label = drawn(4000)
    score = expit(factor * truth)
    slope, _ = calibrate_detector(score[label == 1], score[label == 0], 0.3)
    assert slope * factor == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("raw", [0.01, 0.3, 0.9])
def test_the_operating_point_is_a_half(raw: float):
    truth, label = drawn(400)
    score = expit(truth)
    slope, intercept = calibrate_detector(score[label == 1], score[label == 0], raw)
    assert expit(slope * log_odds(np.array(raw)) + intercept) == pytest.approx(0.5, abs=1e-4)


def test_without_false_positives_the_slope_stays():
    assert calibrate_detector(np.array([0.6, 0.8]), np.zeros(0), 0.5) == (1.0, 0.0)
