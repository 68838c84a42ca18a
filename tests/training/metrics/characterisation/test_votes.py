"""Scores of foretold votes, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lungmtl.training.metrics.characterisation.votes import (
    around,
    best_deviation,
    brier,
    count_votes,
    coverage,
    crps,
    marginal,
)
from napari_lungmtl.training.metrics.characterisation.votes_figures import fourth_reader, votes_figures


def test_scores_by_hand():
    votes = np.array([count_votes([2, 4, np.nan], 5), count_votes([3], 5), np.zeros(5)])
    assert votes.tolist() == [[0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]
    sure, even = np.eye(5)[[1, 1, 1]], np.full((3, 5), 0.2)
    assert crps(sure, votes)[:2] == pytest.approx([1.0, 1.0])  # |2 - 2| and |2 - 4|; |2 - 3|
    assert np.isnan(crps(sure, votes)[2])
    assert crps(even, votes)[1] == pytest.approx(0.04 + 0.16 + 0.16 + 0.04)
    assert brier(even, votes)[:2] == pytest.approx([0.8, 0.8])
    assert marginal(votes) == pytest.approx([0, 0.25, 0.5, 0.25, 0])
    assert coverage(even, votes)[:2] == pytest.approx([1.0, 1.0])
    assert coverage(even, np.eye(5)[[0, 4, 2]]) == pytest.approx([0.5, 0.5, 1.0])
    assert around(np.array([3.0]), 1e-3, 5) == pytest.approx(np.eye(5)[[2]])


def test_the_true_distribution_covers_80_percent_and_beats_what_it_is_compared_with():
    rng = np.random.default_rng(0)
    hard = rng.random(400) < 0.5
    shares = np.where(hard[:, None], [0.3, 0.3, 0.2, 0.1, 0.1], [0.01, 0.01, 0.03, 0.15, 0.8])
    readers = [rng.choice(5, 4, p=p).astype(float) + 1 for p in shares]
    votes = np.array([count_votes(r, 5) for r in readers])
    fold, series = np.arange(400) % 5, np.arange(400).astype(str)
    figures = votes_figures(shares, votes, fold, series)
    assert figures["coverage"]["value"] == pytest.approx(0.8, abs=0.03)
    assert figures["minus_marginal"]["upper"] < 0
    assert figures["minus_constant"]["upper"] < 0
    fourth = fourth_reader(shares, readers, series, fold)
    assert fourth["nodules"] == 400
    assert all(fourth[name]["upper"] < 0 for name in ("minus_mean", "minus_spread_mean", "minus_their_votes"))
    assert best_deviation(np.full(400, 3.0), votes) > 1
    assert "minus_marginal" not in votes_figures(shares, votes, np.zeros(400), series)
