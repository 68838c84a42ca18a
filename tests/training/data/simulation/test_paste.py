"""Pasting: at the place, of the size, and without a trace that tells a nodule from a sham."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lungmtl.training.data.simulation.difficulty import DIFFICULTY, Difficulty
from napari_lungmtl.training.data.simulation.paste import Tone, between, draw_tone, paste

STILL = Difficulty(noise=(0.0, 0.0), blur_mm=(0.3, 0.3))
EVEN = Tone(lung=0.3, dense=0.8, slope=0.5, dense_gain=1.0)


def disc(radius=8.0, size=48, peak=0.3):
    y, x = np.indices((size, size)) - (size - 1) / 2
    return (peak * np.clip(1 - (y**2 + x**2) / radius**2, 0, 1)).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(st.floats(80, 170), st.floats(80, 170), st.floats(0.5, 1.2))
def test_the_nodule_lies_where_it_was_put_and_has_its_size(y, x, mm):
    radiograph = np.full((256, 256), 0.3, np.float32)
    pasted = paste(radiograph, disc(), (y, x), mm, EVEN, STILL, np.random.default_rng(0))
    added = radiograph - 0.3
    rows, columns = np.indices(radiograph.shape) + 0.5
    assert (added * rows).sum() / added.sum() == pytest.approx(y, abs=0.1)
    assert (added * columns).sum() / added.sum() == pytest.approx(x, abs=0.1)
    x0, y0, x1, y1 = pasted.box
    assert (x0 + x1) / 2 == pytest.approx(x, abs=0.6)
    assert (y0 + y1) / 2 == pytest.approx(y, abs=0.6)
    # A quarter of the peak of a parabola is reached at √0.75 of its radius.
    assert x1 - x0 == pytest.approx(2 * 8 * 0.75**0.5 / mm, abs=2.1)
    # The mass on the film is that of the view: millimetres, not pixels.
    assert added.sum() * mm**2 == pytest.approx(disc().sum() * EVEN.slope, rel=0.03)


def test_a_sham_leaves_the_same_trace_and_adds_nothing():
    rng = np.random.default_rng(0)
    radiographs = {sham: rng.normal(0.3, 0.02, (64, 64)).astype(np.float32) for sham in (True, False)}
    radiographs[True] = radiographs[False].copy()
    before = radiographs[False].copy()
    for sham, radiograph in radiographs.items():
        paste(radiograph, disc(6), (32, 32), 1.0, EVEN, DIFFICULTY, np.random.default_rng(7), sham=sham)
    difference = radiographs[False] - radiographs[True]
    # What tells them apart is the smooth nodule alone: noise and blur are equal, pixel by pixel.
    smooth = np.abs(np.diff(difference, axis=0)).max()
    assert difference.max() > 0.1
    assert smooth < 0.06
    assert abs((radiographs[True] - before).mean()) < 2e-4
    assert np.abs(radiographs[True] - before).max() > 1e-3


def test_beside_the_radiograph_nothing_is_pasted():
    radiograph = np.full((64, 64), 0.3, np.float32)
    assert paste(radiograph, disc(), (2, 2), 1.0, EVEN, STILL, np.random.default_rng(0)) is None
    assert np.all(radiograph == np.float32(0.3))


def test_what_lies_behind_the_heart_is_fainter():
    tone = Tone(lung=0.2, dense=0.8, slope=0.5, dense_gain=0.5)
    open_lung, heart = tone.added(np.array([0.2, 0.8]), np.array([0.2, 0.2]))
    assert open_lung == pytest.approx(0.1)
    assert heart == pytest.approx(0.05)


def test_tone_and_mediastinum_of_a_radiograph():
    lungs = np.zeros((2, 60, 60), bool)
    lungs[0, 10:50, 5:20], lungs[1, 10:50, 40:55] = True, True
    radiograph = np.where(lungs.any(0), 0.2, 0.9).astype(np.float32)
    heart = between(lungs)
    assert heart[30, 30]
    assert not heart[30, 10]
    assert not heart[30, 58]
    assert not heart[5, 30]
    tone = draw_tone(radiograph, lungs, DIFFICULTY, np.random.default_rng(0))
    assert (tone.lung, tone.dense) == pytest.approx((0.2, 0.9))
    low, high = DIFFICULTY.mediastinum
    assert 0.7 / high <= tone.slope <= 0.7 / low
