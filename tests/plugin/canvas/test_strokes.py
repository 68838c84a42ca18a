"""Lines of measurements in pixels: the pieces that keep texts off, for shapes of any kind, place and size."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from napari_lungmtl.canvas.frame import Frame
from napari_lungmtl.canvas.measuring.strokes import strokes_of
from napari_lungmtl.training.findings import Measurement
from napari_lungmtl.training.findings.measurements import KINDS

places = st.tuples(st.floats(-100, 100), st.floats(-100, 100))


@given(st.sampled_from(sorted(KINDS)), st.lists(places, min_size=4, max_size=4), st.floats(0.1, 3.0))
def test_small_pieces_hold_all_of_a_shapes_lines_and_little_else(kind, points, mm):
    measurement = Measurement(kind, tuple(points[: KINDS[kind]]))
    strokes = strokes_of(measurement, Frame((0, 1), (1, -1), (3.0, -8.0), mm, (600, 800)))
    pieces = np.array(strokes.pieces)
    assert (np.ptp(pieces.reshape(-1, 2, 2), axis=1) <= 6 * 8 + 4).all()
    for line in strokes.lines:
        for start, end in itertools.pairwise(line):
            for x, y in start + np.linspace(0, 1, 7)[:, None] * (end - start):
                inside = (pieces[:, :2] <= (y, x)).all(axis=1) & (pieces[:, 2:] >= (y, x)).all(axis=1)
                assert inside.any()
