"""Growth from two volumes: formulas, intervals, and what is not told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.growth.change import (
    GREW,
    NOT_TOLD_APART,
    SHRANK,
    Change,
    days_between,
    half_width,
)
from napari_lungmtl.training.imaging.image import Image

volumes = st.floats(20, 20_000)


def test_doubling_times_of_the_guidelines():
    """113 to 268 mm³ in 90 days: 72.2; 6 to 8 mm: 72.3."""
    assert Change(113, 268, 0.2).doubling_time(90) == pytest.approx(72.2, abs=0.05)
    assert Change(6.0**3, 8.0**3, 0.2).doubling_time(90) == pytest.approx(72.3, abs=0.05)
    assert Change(100, 200, 0.2).doubling_time(365) == pytest.approx(365)


@given(volumes, volumes, st.floats(0.05, 1.5), st.integers(1, 3000))
def test_intervals_hold_what_they_are_of(prior, present, half, days):
    change = Change(prior, present, half)
    low, high = change.interval
    assert low < change.relative < high
    time, interval = change.doubling_time(days), change.doubling_interval(days)
    assert (time is None) == (interval is None) == (change.verdict != GREW)
    if time is not None and interval is not None:
        assert 0 < interval[0] < time < interval[1]
        assert low > 0


@given(volumes, volumes, st.floats(0.05, 1.5))
def test_swapping_the_scans_turns_growth_round(prior, present, half):
    there, back = Change(prior, present, half), Change(present, prior, half)
    opposite = {GREW: SHRANK, SHRANK: GREW, NOT_TOLD_APART: NOT_TOLD_APART}
    assert back.verdict == opposite[there.verdict]
    if low_high_hold_no_change(there):
        assert there.verdict == NOT_TOLD_APART


def low_high_hold_no_change(change: Change) -> bool:
    low, high = change.interval
    return low <= 0 <= high


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.2, NOT_TOLD_APART), (1.3, GREW), (0.85, NOT_TOLD_APART), (0.7, SHRANK)]
)
def test_less_than_a_quarter_is_never_claimed(factor, verdict):
    """However narrow the interval: two scans of one day differ by that much."""
    assert Change(100, 100 * factor, 0.05).verdict == verdict


def test_no_days_no_doubling_time():
    assert Change(100, 200, 0.2).doubling_time(0) is None
    assert Change(100, 200, 0.2).doubling_time(-30) is None


def test_the_more_measurements_differ_the_wider_the_interval():
    assert half_width(0.0, 0.0) < half_width(0.1, 0.0) < half_width(0.1, 0.3)


def test_days_between_studies_come_from_their_dates():
    def dated(date: object) -> Image:
        return Image(np.zeros((2, 3, 3), np.int16), "CT", (1, 1, 1), metadata={"study_date": date})

    assert days_between(dated("20240112"), dated("20240711")) == 181
    assert days_between(dated("20240711"), dated("20240112")) == -181
    for unknown in ("", "2024", "20241399", None):
        assert days_between(dated(unknown), dated("20240711")) is None
    assert days_between(replace(dated(""), metadata={}), dated("20240711")) is None
