"""Log odds are finite, and a calibration goes both ways."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.ops.logits import OPINION_EPS, calibrated, log_odds, uncalibrated


def test_log_odds_are_finite():
    np.testing.assert_allclose(log_odds(np.array([0.0, 0.5, 1.0])), [-13.8, 0, 13.8], atol=0.1)
    np.testing.assert_allclose(log_odds(np.float32(1), OPINION_EPS), 9.21, atol=0.01)


@settings(deadline=None)
@given(st.floats(0.001, 0.999), st.floats(0.3, 5), st.floats(-6, 6))
def test_scores_and_peaks_go_both_ways(peak: float, slope: float, intercept: float):
    score = calibrated(peak, (slope, intercept))
    assert 0 <= score <= 1
    if 1e-6 < score < 1 - 1e-6:
        assert abs(uncalibrated(score, (slope, intercept)) - peak) < 1e-3


def test_without_calibration_a_score_is_the_probability():
    assert calibrated(0.3, (1, 0)) == 0.3
    assert abs(uncalibrated(0.3, (1, 0)) - 0.3) < 1e-12
