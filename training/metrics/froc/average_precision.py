"""Average precision: of boxes (PASCAL VOC 2010, all points) and of image scores, as functions of weights.

DHN's table has "mAP" without saying at which overlap. With one class the mean over classes is the average precision of that class;
`map` here is at the overlap of the paper's FROC (0.4), and the mean over overlaps 0.5, 0.55 … 0.95 is what COCO calls mAP, which
the size of the paper's figures (0.19 beside a FROC-AUC of 0.63) suggests. COCO reads the curve at 101 recalls, here every point
of it counts; the two differ by about 0.005.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..intervals.bootstrap import Statistic
from .hit_curve import hit_curve
from .matching import Matching

COCO_IOUS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


def average_precision(matchings: Sequence[Matching]) -> Statistic:
    """Make the area under precision over recall, 0–1; NaN without nodules.

    Precision is made monotone: the highest at this recall or beyond. A second box on a found nodule is a false positive, as in
    VOC and COCO. Boxes of equal score share one point.
    """
    curve = hit_curve(matchings, duplicates_are_false=True)

    def measure(weights: np.ndarray) -> np.ndarray:
        steps = curve.steps(weights)
        found = np.cumsum(steps.gained, -1)
        called = found + steps.after
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        envelope = np.maximum.accumulate(precision[..., ::-1], -1)[..., ::-1]
        with np.errstate(invalid="ignore"):
            return np.divide((steps.gained * envelope).sum(-1), steps.nodules[..., 0])

    return measure


def mean_of(statistics: Sequence[Statistic]) -> Statistic:
    """Make the mean of several measures."""
    return lambda weights: np.mean([statistic(weights) for statistic in statistics], axis=0)


def pr_auc(label: npt.ArrayLike, score: npt.ArrayLike) -> Statistic:
    """Make the PR-AUC of scores for two classes, 0–1.

    It is scikit-learn's ``average_precision_score`` (steps, not monotone), quick for many weights.
    NaN where a class is missing: without negatives it would be 1 whatever the scores.
    """
    positive, value = np.asarray(label, bool), np.asarray(score, float)
    order, ends = _descending(value)
    positive = positive[order]

    def measure(weights: np.ndarray) -> np.ndarray:
        w = np.asarray(weights, float)[..., order]
        found, called = np.cumsum(w * positive, -1)[..., ends], np.cumsum(w, -1)[..., ends]
        total, negatives = (w * positive).sum(-1), (w * ~positive).sum(-1)
        precision = np.divide(found, called, out=np.zeros_like(found), where=called > 0)
        gained = np.diff(found, axis=-1, prepend=0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(negatives > 0, (gained * precision).sum(-1) / total, np.nan)

    return measure


def _descending(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order by descending score, and in it the last place of each distinct score."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    return order, np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True][: len(ordered)])
