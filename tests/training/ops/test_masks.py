"""Overlap of masks beside scikit-learn, and ellipses in boxes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import jaccard_score

from napari_lungmtl.training.ops.masks import dice, ellipses, mask_iou


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_dice_and_iou_beside_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, 7, 5)) > rng.random()
    if a.any() or b.any():
        j = jaccard_score(a.ravel(), b.ravel())
        assert mask_iou(a, b) == pytest.approx(j)
        assert dice(a, b) == pytest.approx(2 * j / (1 + j))
    else:
        assert dice(a, b) == mask_iou(a, b) == 1
    assert dice(a, b) == dice(b, a)


def test_masks_of_other_shapes_are_an_error():
    with pytest.raises(ValueError, match="shapes"):
        dice(np.ones((2, 2)), np.ones((2, 3)))


def test_ellipses_cover_something_however_small():
    mask = ellipses(np.array([[3.1, 4.1, 3.3, 4.3], [10, 10, 20, 16]]), (32, 32))
    assert mask[4, 3]
    assert mask[:9].sum() == 1
    assert mask[10:16, 10:20].sum() == mask[9:].sum() == pytest.approx(np.pi * 15, rel=0.1)
