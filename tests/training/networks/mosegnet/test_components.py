"""Components of a probability map."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_lungmtl.training.networks.mosegnet.components import MOST, components

from ....stand_ins.blob_radiographs import disc

MAPS = arrays(
    np.float32, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.floats(0, 1, width=32)
)


@settings(deadline=None, max_examples=150)
@given(MAPS, st.floats(0.01, 0.9))
def test_what_holds_for_every_component(probability: np.ndarray, floor: float):
    found = components(probability, floor)
    taken = np.zeros(probability.shape, int)
    for part in found:
        row, column = part.place
        assert part.mask[row - part.top, column - part.left]
        assert part.peak == probability[row, column] >= floor
        whole = np.zeros(probability.shape, bool)
        whole[part.top : part.top + part.mask.shape[0], part.left : part.left + part.mask.shape[1]] = (
            part.mask
        )
        assert whole.sum() == part.mask.sum()
        assert probability[whole].min() >= part.peak / 2
        assert part.mask.any(0).all()
        assert part.mask.any(1).all()
        taken += whole
    assert taken.max(initial=0) <= 1
    peaks = [part.peak for part in found]
    assert peaks == sorted(peaks, reverse=True)
    assert len(found) <= MOST
    if probability.max() >= max(floor, 1e-6):
        assert found
        assert found[0].peak == probability.max()


def test_two_nodules_that_touch_at_a_low_level_stay_two():
    rows, columns = np.mgrid[:40, :60]
    hills = [0.9 * np.exp(-((rows - 20) ** 2 + (columns - x) ** 2) / 60) for x in (20, 42)]
    found = components(np.maximum(*hills).astype(np.float32), 0.05)
    assert sorted(part.place[1] for part in found) == [20, 42]


def test_a_peak_on_the_slope_of_a_stronger_one_is_no_mark_of_its_own():
    probability = np.zeros((20, 20), np.float32)
    probability[5:12, 5:12] = 0.6
    probability[8, 6], probability[8, 11] = 0.9, 0.8
    assert [part.peak for part in components(probability, 0.05)] == [np.float32(0.9)]


def test_half_the_height_is_the_outline():
    probability = np.where(disc(64, 30, 33, 8), 0.8, 0).astype(np.float32)
    (part,) = components(probability, 0.1)
    assert part.mask.sum() == disc(64, 30, 33, 8).sum()
    assert part.center == (30, 33)
