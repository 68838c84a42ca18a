"""Figures of predicted votes beside what they must beat, with intervals over scans."""

from __future__ import annotations

from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from ..intervals.bootstrap import SAMPLES, bootstrap_weights, interval
from .votes import around, best_deviation, brier, coverage, crps, expected, marginal


def weighted_mean(each: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Average scores (n,) by weights (…, n)."""
    return (weight * each).sum(-1) / weight.sum(-1)


def votes_figures(
    shares: np.ndarray, votes: np.ndarray, fold: np.ndarray, series: np.ndarray, *, nominal: bool = False
) -> dict[str, Any]:
    """Compute the figures of one scale.

    Parameters
    ----------
    shares, votes
        (n, K) predicted, and counted.
    fold, series
        (n,) of each nodule. What is compared with is made for each fold from the votes on the other folds.
    nominal
        Whether the categories have no order: scores are then Brier's, and there is no mean to spread.

    Returns
    -------
    dict
        ``score`` (CRPS in steps of the scale, or Brier's), ``minus_marginal`` (the same less that of the marginal distribution),
        ``minus_constant`` (less that of the prediction's mean with the same deviation for all nodules, the best one) and
        ``coverage`` of the central 80 %: each ``{"value", "lower", "upper"}`` with the 95 % interval over scans. Without the two
        differences where all nodules are of one fold.
    """
    known = votes.sum(1) > 0
    shares, votes, fold, series = shares[known], votes[known], fold[known], series[known]
    weights = bootstrap_weights(series, SAMPLES, 0)
    score = (brier if nominal else crps)(shares, votes)
    folds = np.unique(fold)
    names = ("minus_marginal",) if nominal else ("minus_marginal", "minus_constant")
    rivals = {name: np.empty_like(shares) for name in names if len(folds) > 1}
    mean = expected(shares)
    for k in folds if rivals else ():
        own, others = fold == k, fold != k
        rivals["minus_marginal"][own] = marginal(votes[others])
        if not nominal:
            sd = best_deviation(mean[others], votes[others])
            rivals["minus_constant"][own] = around(mean[own], sd, votes.shape[1])
    figures = {"score": _figure(score, weights)}
    for name, rival in rivals.items():
        figures[name] = _figure(score - (brier if nominal else crps)(rival, votes), weights)
    if not nominal:
        figures["coverage"] = _figure(coverage(shares, votes), weights)
    return figures


def _figure(each: np.ndarray, weights: np.ndarray) -> dict[str, float | None]:
    return interval(partial(weighted_mean, each), weights).to_json()


def fourth_reader(
    shares: np.ndarray, readers: list[np.ndarray], series: np.ndarray, fold: np.ndarray
) -> dict[str, Any]:
    """Compare the prediction of one reader's vote with that by the other three, on nodules with four votes.

    Parameters
    ----------
    shares
        (n, K) predicted.
    readers
        (r,) of each nodule what its readers chose, 1 … K; NaN is no vote.

    Returns
    -------
    dict
        ``nodules``; ``score``, the CRPS of the prediction, averaged over which reader is the fourth; and the same less that of the
        others' mean (``minus_mean``: as one number, whose CRPS is its absolute error), of their mean with the best deviation, the
        same for all nodules (``minus_spread_mean``), and of their three votes as a distribution (``minus_their_votes``).
    """
    four = np.array([np.isfinite(r).sum() == 4 for r in readers])
    values = np.array([r[np.isfinite(r)] for r, ok in zip(readers, four, strict=True) if ok]).astype(int)
    shares, series, fold = shares[four], series[four], fold[four]
    count = shares.shape[1]
    single = np.eye(count)[values - 1]  # (n, 4, K)
    weights = bootstrap_weights(series, SAMPLES, 0)
    own = np.mean([crps(shares, single[:, i]) for i in range(4)], axis=0)
    point, spread, theirs = np.zeros(len(own)), np.zeros(len(own)), np.zeros(len(own))
    for chosen in combinations(range(4), 3):
        fourth = single[:, ({0, 1, 2, 3} - set(chosen)).pop()]
        mean = values[:, chosen].mean(1)
        point += np.abs(mean - expected(fourth)) / 4
        theirs += crps(single[:, chosen].mean(1), fourth) / 4
        for k in np.unique(fold):
            sd = best_deviation(mean[fold != k], fourth[fold != k])
            spread[fold == k] += crps(around(mean[fold == k], sd, count), fourth[fold == k]) / 4
    return {
        "nodules": int(four.sum()),
        "score": _figure(own, weights),
        "minus_mean": _figure(own - point, weights),
        "minus_spread_mean": _figure(own - spread, weights),
        "minus_their_votes": _figure(own - theirs, weights),
    }
