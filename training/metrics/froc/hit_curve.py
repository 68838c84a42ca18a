"""Hits over false positives at the scores of the hits: what FROC and average precision are read from, for many weights at once.

Between two hits a looser threshold adds false positives only, so that the curve is known from the scores of hits alone. Marks by
radiograph and score are sparse tables; a bootstrap of 1,000 samples is a product of its weights with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from .boxes import without_false
from .matching import Matching


@dataclass(frozen=True, eq=False)
class Steps:
    """The curve at each of k distinct scores of hits, from the highest, for each row of weights.

    Parameters
    ----------
    gained
        (…, k) nodules found at exactly this score.
    before, after
        (…, k) false marks of a higher score, and of a higher or equal one.
    nodules, radiographs
        (…, 1) how many there are.
    """

    gained: np.ndarray
    before: np.ndarray
    after: np.ndarray
    nodules: np.ndarray
    radiographs: np.ndarray


@dataclass(frozen=True, eq=False)
class HitCurve:
    """Tables (rows, n radiographs): nodules found at each score of a hit; false marks between and at these scores; nodules; and
    whether a radiograph counts where false marks are averaged."""

    hits: csr_array
    false: csr_array
    nodules: np.ndarray
    complete: np.ndarray

    def steps(self, weights: np.ndarray) -> Steps:
        """Read the curve when each radiograph counts `weights` times, (n,) or (samples, n)."""
        w = np.asarray(weights, float)
        false = np.cumsum((self.false @ w.T).T, axis=-1)
        nodules = (w @ self.nodules)[..., None]
        radiographs = (w @ self.complete)[..., None]
        return Steps((self.hits @ w.T).T, false[..., 0::2], false[..., 1::2], nodules, radiographs)


def hit_curve(
    matchings: Sequence[Matching], *, duplicates_are_false: bool, complete: np.ndarray | None = None
) -> HitCurve:
    """Make the tables of radiographs, one `Matching` for each.

    Parameters
    ----------
    duplicates_are_false
        Whether a further mark on a found nodule is a false mark (average precision) or counts neither way (FROC).
    complete
        (n,) whether all nodules of a radiograph are known; marks beside the known ones of the others are no false marks, and these
        radiographs do not count where false marks are averaged. By default all are.
    """
    known = np.ones(len(matchings), bool) if complete is None else np.asarray(complete, bool)
    matchings = [m if k else without_false(m) for m, k in zip(matchings, known, strict=True)]
    hits = [m.hit_scores for m in matchings]
    false = [m.score[_false(m) if duplicates_are_false else m.false_positive] for m in matchings]
    hit, beside = (np.concatenate([*some, np.empty(0)]) for some in (hits, false))
    score = np.unique(hit)[::-1]
    # Rows 2i and 2i + 1: between the scores i − 1 and i of hits, and equal to score i. What lies below all hits is left out.
    rows = 2 * np.searchsorted(-score, -beside, "left") + np.isin(beside, score)
    return HitCurve(
        _table(np.searchsorted(-score, -hit, "left"), [len(h) for h in hits], len(score)),
        _table(rows, [len(f) for f in false], 2 * len(score)),
        np.array([len(m.nodule_mark) for m in matchings], float),
        known.astype(float),
    )


def _false(matching: Matching) -> np.ndarray:
    """(n,) marks other than the best one on a nodule."""
    false = matching.used & ~matching.on_excluded
    false[matching.nodule_mark[matching.found]] = False
    return false


def _table(row: np.ndarray, counts: Sequence[int], height: int) -> csr_array:
    """How often each row occurs in each radiograph, `counts` of them: (height, n); rows beyond the height are left out."""
    radiograph = np.repeat(np.arange(len(counts)), counts)
    kept = row < height
    return csr_array((np.ones(kept.sum()), (row[kept], radiograph[kept])), shape=(height, len(counts)))
