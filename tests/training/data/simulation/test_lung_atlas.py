"""Outlines that come along with a registered radiograph."""

import numpy as np
import pytest
from scipy import ndimage

from napari_lungmtl.training.data.simulation.lung_atlas import (
    SIDE,
    dice,
    equalised,
    outline,
    register,
    split_sides,
)

from ....stand_ins.prepared_stores import lungs, radiograph


def bent(picture, amount=14.0):
    """A picture stretched and bent by known amounts."""
    n = picture.shape[0]
    y, x = np.indices(picture.shape).astype(float)
    y, x = y * 0.94 + 10, (x - n / 2) * 1.06 + n / 2 + amount * np.sin(y / 90)
    return ndimage.map_coordinates(picture.astype(np.float32), [y, x], order=1, mode="nearest")


def test_a_bent_radiograph_gets_bent_outlines():
    target = bent(radiograph())
    truth = np.stack([bent(side) > 0.5 for side in lungs()])
    (found,) = outline(target[None], radiograph()[None], lungs()[None], workers=1)
    grid = np.linspace(0, 511, SIDE).round().astype(int)
    for side in (0, 1):
        assert dice(found.lungs[side] > 0.5, truth[side][np.ix_(grid, grid)]) > 0.95
    assert found.believed
    assert found.correlation > 0.9


def test_noise_is_not_believed():
    rng = np.random.default_rng(0)
    noise = ndimage.gaussian_filter(rng.normal(size=(512, 512)), 20)
    noise = ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)
    (found,) = outline(noise[None], radiograph()[None], lungs()[None], workers=1)
    assert not found.believed


def test_a_radiograph_is_registered_to_itself_without_change():
    picture = equalised(radiograph())
    small = ndimage.zoom(lungs()[0].astype(np.float32), SIDE / 512, order=1)
    moved, correlation = register(picture, picture, small[None])
    assert correlation > 0.99
    assert dice(moved[0] > 0.5, small > 0.5) > 0.98


def test_right_is_the_patients_right():
    both = lungs().any(0)
    right, left = split_sides(both)
    np.testing.assert_array_equal(right, lungs()[0])
    np.testing.assert_array_equal(left, lungs()[1])


def test_given_masks_predict_each_other(lungmtl_data):
    """Leave one out among the four radiographs with given masks: no radiograph of `lung_masks_100` has a say in anything here."""
    from napari_lungmtl.training.data.simulation.prepare import _with_masks

    radiographs, masks = _with_masks(lungmtl_data / "cxr/lung_masks")
    found = []
    for i in (0, 3):
        others = [j for j in range(4) if j != i]
        (one,) = outline(radiographs[i][None], radiographs[others], masks[others], workers=1)
        grid = np.linspace(0, 511, SIDE).round().astype(int)
        found.append(dice(one.lungs.sum(0) > 0.5, masks[i].any(0)[np.ix_(grid, grid)]))
    assert min(found) == pytest.approx(0.94, abs=0.03)
