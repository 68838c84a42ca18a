"""Variations keep radiograph and labels together."""

import dataclasses

import numpy as np
import pytest

from napari_lungmtl.training.networks.mosegnet.augment import augment, augment_unsided
from napari_lungmtl.training.networks.mosegnet.augmentation import Augmentation

from ....stand_ins.blob_radiographs import ToyRadiographs

STILL = Augmentation(*[0.0] * len(dataclasses.fields(Augmentation)))


def toy(side: int = 96) -> tuple[np.ndarray, np.ndarray]:
    radiograph = ToyRadiographs(side).draw(np.random.default_rng(1))
    return radiograph.pixels, np.concatenate([radiograph.lungs, radiograph.nodules[None]]).astype(np.float32)


def test_without_variation_a_radiograph_stays():
    pixels, labels = toy()
    moved, kept = augment(pixels, labels, np.random.default_rng(0), STILL)
    np.testing.assert_allclose(moved, pixels, atol=2e-3)
    np.testing.assert_array_equal(kept, labels > 0.5)


def test_sides_swap_under_the_mirror():
    pixels, labels = toy()
    how = dataclasses.replace(STILL, mirror=1.0)
    moved, kept = augment(pixels, labels, np.random.default_rng(0), how)
    np.testing.assert_allclose(moved, pixels[:, ::-1], atol=2e-3)
    np.testing.assert_array_equal(kept[0], labels[1, :, ::-1] > 0.5)
    np.testing.assert_array_equal(kept[1], labels[0, :, ::-1] > 0.5)
    columns = [np.nonzero(lung)[1].mean() for lung in kept[:2]]
    assert columns[0] < columns[1]


def test_unsided_lungs_stay_in_the_first_channel():
    pixels, labels = toy()
    both = np.stack([labels[:2].max(0), np.zeros_like(labels[0]), labels[2]])
    how = dataclasses.replace(STILL, mirror=1.0)
    _, kept = augment_unsided(pixels, both, np.random.default_rng(0), how)
    np.testing.assert_array_equal(kept[0], both[0, :, ::-1] > 0.5)
    assert not kept[1].any()


@pytest.mark.parametrize("seed", range(6))
def test_labels_move_with_the_radiograph(seed: int):
    """Lungs are dark in the toy radiographs: inside the moved outline the radiograph stays darker than beside it."""
    pixels, labels = toy()
    how = Augmentation(gamma=0, veil=0, frame=0, letters=0, sharpen=0, shade=0, window=0)
    moved, kept = augment(pixels, labels, np.random.default_rng(seed), how)
    lungs = kept[:2].any(0) & ~kept[2]
    middle = (moved > 0.01) & ~kept.any(0)
    assert lungs.sum() > 300
    assert moved[lungs].mean() + 0.2 < moved[middle].mean()


def test_the_same_numbers_give_the_same_radiograph():
    pixels, labels = toy()
    first, again = (augment(pixels, labels, np.random.default_rng(5), Augmentation()) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    other = augment(pixels, labels, np.random.default_rng(6), Augmentation())
    assert np.abs(other[0] - first[0]).max() > 0.1


def test_values_stay_in_range():
    pixels, labels = toy()
    for seed in range(10):
        moved, kept = augment(pixels, labels, np.random.default_rng(seed), Augmentation())
        assert moved.dtype == np.float32
        assert moved.min() >= 0
        assert moved.max() <= 1
        assert kept.shape == labels.shape
        assert not (kept[0] & kept[1]).any()
