"""Long and short axis of outlines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.training.findings.measurements.axes import axes_of

TURN = np.linspace(0, 2 * np.pi, 180, endpoint=False)


@given(st.floats(1, 40), st.floats(0.2, 0.95), st.floats(0, np.pi), st.tuples(*(st.floats(-300, 300),) * 2))
def test_an_ellipse_has_its_axes_wherever_it_lies(radius, ratio, angle, middle):
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    outline = np.c_[radius * np.cos(TURN), radius * ratio * np.sin(TURN)] @ turned + middle
    axes = axes_of(outline)
    assert axes.length == pytest.approx(2 * radius, rel=1e-3)
    assert axes.width == pytest.approx(2 * radius * ratio, rel=1e-2)
    assert (axes.long[1] - axes.long[0]) @ (axes.short[1] - axes.short[0]) == pytest.approx(
        0, abs=1e-6 * radius**2
    )


def test_the_short_axis_is_the_widest_chord_not_the_extent():
    """Two halves that are shifted against each other: no chord across is as long as the whole is wide."""
    outline = np.array([(0, 0), (0, 2), (5, 2), (5, 4), (12, 4), (12, 1), (5, 1), (5, 0)], float)
    axes = axes_of(outline)
    assert axes.length == pytest.approx(np.hypot(12, 4))
    along = (axes.long[1] - axes.long[0]) / axes.length
    across = outline @ np.array([-along[1], along[0]])
    assert axes.width < np.ptp(across)


@pytest.mark.parametrize("outline", [[(0, 0), (1, 1)], [(0, 0), (1, 1), (2, 2)]])
def test_what_is_no_area_has_no_axes(outline):
    with pytest.raises(ValueError, match="three points"):
        axes_of(np.array(outline, float))
