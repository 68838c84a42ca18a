"""Fusion of two opinions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.findings import Finding, Opinion, Sphere
from napari_lungmtl.training.inference.fusion import fuse, mean_log_odds

SPHERE = Sphere((0, 0, 0), 8)


def judged(**said):
    return Finding(SPHERE, opinions=tuple(Opinion(n, "1", p, s) for n, (p, s) in said.items()))


def test_by_hand():
    fused = fuse(judged(mtmr=(0.75, 0.3), mtcnn=(0.2, 0.1)))
    odds = np.sqrt(3 * 0.25)
    assert fused.malignancy == pytest.approx(odds / (1 + odds))
    assert fused.malignancy_spread == pytest.approx(np.sqrt(0.05))


def test_one_opinion_stands_and_none_changes_nothing():
    one = fuse(judged(mtcnn=(0.2, 0.1)))
    assert (one.malignancy, one.malignancy_spread) == (0.2, 0.1)
    person = Finding(SPHERE, malignancy=0.4, attributes={"margin": 3})
    assert fuse(person) is person


@given(*(st.floats(0, 1),) * 3)
def test_it_rises_with_both_and_lies_between(a, b, c):
    low, high = sorted((a, b))
    assert low - 1e-4 <= float(mean_log_odds(a, b)) <= high + 1e-4
    assert mean_log_odds(low, c) <= mean_log_odds(high, c) + 1e-12
    assert mean_log_odds([a, c], [b, c])[1] == pytest.approx(c, abs=2e-4)
