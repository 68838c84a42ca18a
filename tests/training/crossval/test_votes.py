"""Fitting heads for the readers' votes."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax

from napari_lungmtl.training.crossval.votes import fit_heads, fit_scale
from napari_lungmtl.training.findings import ATTRIBUTES
from napari_lungmtl.training.inference.votes.head import CATEGORIES, FUSED, SIZE


def test_a_scale_is_fitted_to_the_votes():
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (3000, 1))
    true = np.array([[0.0, 0.0], [0.5, -1.0], [1.0, -3.0]])
    shares = softmax(np.column_stack([x, np.ones(len(x))]) @ true.T, axis=1)
    votes = np.array([rng.multinomial(4, p) for p in shares])
    table = fit_scale(x, votes, 1e-5)
    told = softmax(np.column_stack([x, np.ones(len(x))]) @ table.T, axis=1)
    assert np.abs(told - shares).max() < 0.03


def test_a_fold_has_no_part_in_its_own_head_and_scans_of_no_fold_in_none():
    rng = np.random.default_rng(0)
    fold = np.repeat(["0", "1", "2", "3", "4", "never"], 6)
    values = {name: rng.normal(size=36) for name in ("a", "b", FUSED, SIZE, *ATTRIBUTES)}
    votes = {
        s: np.array([rng.multinomial(4, np.full(k, 1 / k)) for _ in fold]) for s, k in CATEGORIES.items()
    }
    before = fit_heads(values, votes, fold, ("a", "b"))
    own = np.isin(fold, ("2", "never"))
    changed = {s: np.where(own[:, None], v[:, ::-1], v) for s, v in votes.items()}
    after = fit_heads(values, changed, fold, ("a", "b"))
    same = {k.partition(".")[0] for k in before if np.allclose(before[k], after[k])}
    assert same == {"fold2"}
