"""How well a distribution over a scale's categories foretells what readers say: proper scores, coverage, and what to beat.

Votes are counts (n, K): how many of a nodule's readers chose each of K categories, in the scale's order. Every score is of one
reader's vote, averaged over the readers of the nodule, so that nodules with three and with four readers count alike.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.stats import norm

LOW, HIGH = 0.1, 0.9
"""Ends of the central interval that is to hold 80 % of the votes."""


def count_votes(readers: np.ndarray, categories: int) -> np.ndarray:
    """Count (K,) the categories that readers (r,) chose, 1 … K; NaN is no vote."""
    chosen = np.asarray(readers, float)
    chosen = chosen[np.isfinite(chosen)].astype(int)
    return np.bincount(chosen - 1, minlength=categories)[:categories].astype(float)


def crps(probability: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Compute the continuous ranked probability score of each nodule: (n,), 0 is best, in steps of the scale.

    On K ordered categories it is Σ over k of (F(k) − [vote ≤ k])² (Epstein 1969; Gneiting & Raftery, JASA 102, 2007). A
    distribution that is one category scores its absolute error. NaN for nodules without a vote.

    Parameters
    ----------
    probability, votes
        (n, K).
    """
    below = np.cumsum(probability, axis=-1)
    steps = np.arange(votes.shape[-1])
    at_least = (steps[None, :] >= steps[:, None]).astype(float)  # of a vote (rows) the cumulative outcome
    each = ((below[:, None, :] - at_least[None]) ** 2).sum(-1)
    return _per_reader(each, votes)


def brier(probability: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Compute the Brier score of each nodule over unordered categories: (n,), 0–2; NaN without a vote."""
    squares = (probability**2).sum(-1, keepdims=True)
    return _per_reader(squares - 2 * probability + 1, votes)


def coverage(probability: np.ndarray, votes: np.ndarray, low: float = LOW, high: float = HIGH) -> np.ndarray:
    """Compute the fraction of each nodule's votes inside the central interval: (n,); NaN without a vote.

    Categories have no part of 80 % each, so a vote at the edge of the interval counts by the part of its category's probability
    that lies inside (the randomised probability integral transform, Czado et al., Biometrics 65, 2009, in expectation). Of a
    perfect distribution `high` − `low` of the votes lie inside.
    """
    upper = np.cumsum(probability, axis=-1)
    lower = upper - probability
    inside = np.clip(np.minimum(upper, high) - np.maximum(lower, low), 0, None)
    at_point = (lower >= low) & (upper <= high)
    share = np.where(probability > 1e-12, inside / np.maximum(probability, 1e-12), at_point)
    return _per_reader(np.clip(share, 0, 1), votes)


def _per_reader(each: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Average (n, K) scores of a vote for each category over a nodule's votes."""
    total = votes.sum(-1)
    return np.where(total > 0, (each * votes).sum(-1) / np.maximum(total, 1), np.nan)


def marginal(votes: np.ndarray) -> np.ndarray:
    """Compute (K,) how often each category is chosen, whatever the nodule: every nodule's votes count as one."""
    share = votes / np.maximum(votes.sum(-1, keepdims=True), 1)
    return share.sum(0) / share.sum()


def around(mean: np.ndarray, sd: float, categories: int) -> np.ndarray:
    """Spread a mean (n,) over categories as a normal distribution with the same deviation for all, rounded: (n, K)."""
    edges = np.arange(1, categories) + 0.5
    below = norm.cdf((edges[None] - np.asarray(mean, float)[:, None]) / sd)
    return np.diff(np.pad(below, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1))), axis=1)


def best_deviation(mean: np.ndarray, votes: np.ndarray) -> float:
    """Find the deviation of `around` with the lowest CRPS on nodules whose votes are known."""

    def score(log_sd: float) -> float:
        return float(np.nanmean(crps(around(mean, float(np.exp(log_sd)), votes.shape[1]), votes)))

    return float(np.exp(minimize_scalar(score, bounds=(-3.0, 1.5), method="bounded").x))


def expected(probability: np.ndarray) -> np.ndarray:
    """Compute the mean (n,) of a distribution (n, K) over 1 … K."""
    return probability @ np.arange(1, probability.shape[-1] + 1)
