"""Lungs from probability maps."""

import numpy as np

from napari_lungmtl.training.networks.mosegnet.lungs import lung_masks, two_lungs

from ....stand_ins.blob_radiographs import disc

SIDE = 80
RIGHT, LEFT = disc(SIDE, 40, 22, 26, 12), disc(SIDE, 40, 58, 26, 12)


def maps(right: np.ndarray, left: np.ndarray) -> np.ndarray:
    return np.stack([np.where(right | left, 0.1, 0.9), np.where(right, 0.8, 0.1), np.where(left, 0.8, 0.1)])


def test_pieces_and_holes():
    right = (RIGHT & ~disc(SIDE, 40, 22, 4)) | disc(SIDE, 5, 70, 2)
    found = lung_masks(maps(right, LEFT))
    np.testing.assert_array_equal(found["right lung"], RIGHT)
    np.testing.assert_array_equal(found["left lung"], LEFT)


def test_a_lung_cut_in_two_stays_whole():
    cut = RIGHT.copy()
    cut[38:42] = False
    found = lung_masks(maps(cut, LEFT))
    assert found["right lung"].sum() == cut.sum()


def test_a_few_pixels_of_the_other_side_change_no_lung():
    mixed = disc(SIDE, 20, 22, 5) & RIGHT
    found = lung_masks(maps(RIGHT & ~mixed, LEFT | mixed))
    np.testing.assert_array_equal(found["right lung"], RIGHT)


def test_two_lungs_on_one_side_are_told_apart_by_their_place():
    found = lung_masks(maps(RIGHT | LEFT, np.zeros_like(LEFT)))
    np.testing.assert_array_equal(found["right lung"], RIGHT)
    np.testing.assert_array_equal(found["left lung"], LEFT)


def test_lungs_that_touch_are_parted_by_their_classes():
    bridge = np.zeros_like(RIGHT)
    bridge[38:42, 20:60] = True
    right, left = RIGHT | (bridge & (np.arange(SIDE) < 40)), LEFT | (bridge & (np.arange(SIDE) >= 40))
    found = lung_masks(maps(right, left & ~right))
    np.testing.assert_array_equal(found["right lung"], right)
    np.testing.assert_array_equal(found["left lung"], left & ~right)


def test_without_sides():
    found = lung_masks(np.stack([np.where(RIGHT | LEFT, 0.1, 0.9), np.where(RIGHT | LEFT, 0.9, 0.1)]))
    assert set(found) == {"lungs"}
    np.testing.assert_array_equal(found["lungs"], RIGHT | LEFT)


def test_nothing_found():
    assert lung_masks(np.stack([np.ones((9, 9)), np.zeros((9, 9)), np.zeros((9, 9))])) == {}


def test_what_two_lungs_are():
    both = {"right lung": RIGHT, "left lung": LEFT}
    assert two_lungs(both)
    assert not two_lungs({"right lung": LEFT, "left lung": RIGHT})
    assert not two_lungs({"right lung": RIGHT})
    assert not two_lungs({"right lung": RIGHT, "left lung": disc(SIDE, 40, 58, 4)})
    assert not two_lungs({name: np.rot90(mask) for name, mask in both.items()})
