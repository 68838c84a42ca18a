"""Figures of merit of readers in modalities, and the same without each case in turn (jackknife).

Arrays of ratings are (t, r, n): modality, reader, case; a figure is (t, r).

* AUC: the area under the empirical ROC curve, the Wilcoxon statistic with ties as one half (Bamber 1975,
  doi:10.1016/0022-2496(75)90001-2).
* wAFROC: the chance that a lesion is rated higher than the highest false mark of a case without lesion, each case with lesions
  having the same weight, whatever their number (Chakraborty & Zhai 2016, doi:10.1118/1.4947125); a lesion without a mark and a
  case without a false mark have the rating −∞, and ties are one half. With one lesion in each case it is JAFROC's θ (Chakraborty &
  Berbaum 2004, doi:10.1118/1.1769352). Where no case is without lesion, the highest false marks of all cases stand on the other
  side (wAFROC-1 there).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UNMARKED = -np.inf
"""Rating of what nobody marked."""


@dataclass(frozen=True, eq=False)
class Estimates:
    """A figure of merit (t, r), and ``left_out`` (n, t, r): the same without each of the n cases."""

    figure: np.ndarray
    left_out: np.ndarray

    def covariance(self) -> np.ndarray:
        """Estimate the covariance matrix (t·r, t·r) of the figures by the jackknife, modality by modality.

        (n − 1) / n times the sum of products of deviations from the mean of the n figures (Efron 1982).
        """
        n = len(self.left_out)
        deviation = self.left_out.reshape(n, -1) - self.left_out.reshape(n, -1).mean(0)
        return np.asarray((n - 1) / n * deviation.T @ deviation)

    def pseudovalues(self) -> np.ndarray:
        """Compute the pseudovalues (n, t, r) of Dorfman, Berbaum and Metz: n figures less n − 1 times the one without the case."""
        n = len(self.left_out)
        return np.asarray(n * self.figure - (n - 1) * self.left_out)


def require_both(truth: npt.ArrayLike, least: int = 2) -> np.ndarray:
    """Make (n,) truth boolean, with at least two cases of each kind: a jackknife takes one away.

    Raises
    ------
    ValueError
        There are fewer.
    """
    truth = np.asarray(truth, bool)
    with_, without = int(truth.sum()), int((~truth).sum())
    if with_ < least or without < least:
        raise ValueError(
            f"an ROC analysis needs at least {least} cases with and {least} without a nodule, not {with_} and {without}"
        )
    return truth


def _wins(ratings: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(t, r, n1, n0): 1 where the case with nodule is rated higher, ½ where both are the same."""
    high, low = ratings[..., truth][..., :, None], ratings[..., ~truth][..., None, :]
    return np.asarray((high > low) + 0.5 * (high == low))


def auc(ratings: npt.ArrayLike, truth: npt.ArrayLike) -> Estimates:
    """Compute the area under the empirical ROC curve of each reader in each modality.

    Parameters
    ----------
    ratings
        (t, r, n), the higher the surer that the case has a nodule.
    truth
        (n,) whether it has one.

    Raises
    ------
    ValueError
        Fewer than two cases of a kind.
    """
    truth, ratings = require_both(truth), np.asarray(ratings, float)
    wins = _wins(ratings, truth)
    n1, n0 = wins.shape[-2:]
    total = wins.sum((-2, -1))
    left_out = np.empty((len(truth), *total.shape))
    left_out[truth] = np.moveaxis((total[..., None] - wins.sum(-1)) / ((n1 - 1) * n0), -1, 0)
    left_out[~truth] = np.moveaxis((total[..., None] - wins.sum(-2)) / (n1 * (n0 - 1)), -1, 0)
    return Estimates(total / (n1 * n0), left_out)


def delong(ratings: npt.ArrayLike, truth: npt.ArrayLike) -> np.ndarray:
    """Estimate the covariance matrix (t·r, t·r) of the AUCs by structural components (DeLong et al. 1988, doi:10.2307/2531595).

    Parameters
    ----------
    ratings, truth
        As in `auc`.
    """
    truth, ratings = require_both(truth), np.asarray(ratings, float)
    wins = _wins(ratings, truth)
    parts = []
    for axis in (-1, -2):
        component = wins.mean(axis).reshape(-1, wins.shape[-2 if axis == -1 else -1])
        parts.append(np.atleast_2d(np.cov(component)) / component.shape[1])
    return np.asarray(parts[0] + parts[1])


@dataclass(frozen=True)
class MarkedCase:
    """What one reader marked in one case: the rating of each true lesion (`UNMARKED` for a miss), and of each false mark."""

    lesions: tuple[float, ...] = ()
    false_marks: tuple[float, ...] = ()

    @property
    def highest_false(self) -> float:
        """The highest rating of a false mark."""
        return max(self.false_marks, default=UNMARKED)


def wafroc(table: Sequence[Sequence[Sequence[MarkedCase]]]) -> Estimates:
    """Compute the weighted AFROC area of each reader in each modality.

    Parameters
    ----------
    table
        ``table[modality][reader][case]``; the lesions of a case are the same for all.

    Raises
    ------
    ValueError
        Fewer than two cases have a lesion, or exactly one has none: a jackknife takes one away.
    """
    cases = len(table[0][0])
    truth = np.array([bool(case.lesions) for case in table[0][0]])
    others = ~truth if (~truth).any() else np.ones(cases, bool)
    if truth.sum() < 2 or others.sum() < 2:
        raise ValueError(
            f"a figure of merit of marks needs at least two cases with and two without a nodule, or only cases with one: "
            f"there are {int(truth.sum())} and {int((~truth).sum())}"
        )
    wins = np.array([[_lesion_wins(reader, truth, others) for reader in modality] for modality in table])

    def mean(keep: np.ndarray) -> np.ndarray:
        return np.asarray(wins[:, :, keep[truth]][..., keep[others]].mean((-2, -1)))

    everything = np.ones(cases, bool)
    return Estimates(mean(everything), leave_one_out(mean, cases))


def _lesion_wins(cases: Sequence[MarkedCase], truth: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(cases with lesions, cases beside them): the mean over a case's lesions of 1 (rated higher), ½ (as high) or 0."""
    false = np.array([case.highest_false for case, other in zip(cases, others, strict=True) if other])
    rows = []
    for case, diseased in zip(cases, truth, strict=True):
        if diseased:
            lesion = np.array(case.lesions)[:, None]
            rows.append(((lesion > false) + 0.5 * (lesion == false)).mean(0))
    return np.array(rows)


def leave_one_out(figure: Callable[[np.ndarray], np.ndarray], cases: int) -> np.ndarray:
    """Compute a figure (t, r) without each case in turn, (n, t, r); it takes (n,) which cases are kept."""
    return np.array([figure(np.arange(cases) != case) for case in range(cases)])
