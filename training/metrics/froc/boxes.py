"""Which boxes hit which nodules on one radiograph: the matching behind FROC, AFROC and average precision.

Boxes are those of `ops.boxes`: x0, y0, x1, y1 in pixels, edge coordinates.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...ops.boxes import box_iou, contains
from .matching import Matching

IOU = 0.4
"""Intersection over union of a hit in DHN's tables (Tsai et al. 2022, footnote 2)."""


def match_boxes(
    boxes: npt.ArrayLike, scores: npt.ArrayLike, truth: npt.ArrayLike, iou: float = IOU
) -> Matching:
    """Match one radiograph's boxes with its nodules, as COCO does for one class.

    By descending score (among equals the better fit first), each box takes the free nodule that it overlaps most, if by at least
    `iou`. A further box on nodules that are all taken is a duplicate: `Matching.false_positive` does not count it (rule of
    LUNA16 and of Chakraborty's free-response analysis: the best mark on a lesion stands for all), average precision does.

    Parameters
    ----------
    boxes, scores
        (n, 4) and (n,), any order.
    truth
        (m, 4).

    Raises
    ------
    ValueError
        Boxes and scores differ in number or are not finite.
    """
    box = np.asarray(boxes, float).reshape(-1, 4)
    score = np.asarray(scores, float).reshape(-1)
    true = np.asarray(truth, float).reshape(-1, 4)
    if len(box) != len(score):
        raise ValueError(f"{len(box)} boxes but {len(score)} scores")
    if not all(np.isfinite(values).all() for values in (box, score, true)):
        raise ValueError("boxes and scores must be finite numbers")
    overlap = box_iou(box, true)
    return _matching(score, overlap, overlap >= iou)


def match_centers(centers: npt.ArrayLike, scores: npt.ArrayLike, truth: npt.ArrayLike) -> Matching:
    """Match as `match_boxes`, a hit being a mark whose centre (x, y) lies in the nodule's box; of several the nearest middle.

    Raises
    ------
    ValueError
        Centres and scores differ in number or are not finite.
    """
    point = np.asarray(centers, float).reshape(-1, 2)
    score = np.asarray(scores, float).reshape(-1)
    true = np.asarray(truth, float).reshape(-1, 4)
    if len(point) != len(score):
        raise ValueError(f"{len(point)} centres but {len(score)} scores")
    if not all(np.isfinite(values).all() for values in (point, score, true)):
        raise ValueError("centres, boxes and scores must be finite numbers")
    away = np.linalg.norm(point[:, None] - (true[:, :2] + true[:, 2:])[None] / 2, axis=-1)
    return _matching(score, 1 / (1 + away), contains(true, point).T)


def _matching(score: np.ndarray, fit: np.ndarray, near: np.ndarray) -> Matching:
    """Match marks by how well they fit each nodule (n, m), at least 0, where they are `near` enough."""
    hit = np.full(len(score), -1)
    taken = np.full(fit.shape[1], -1)
    duplicates = 0
    for mark in np.lexsort((-np.where(near, fit, 0).max(1, initial=0), -score)):
        if not near[mark].any():
            continue
        free = near[mark] & (taken < 0)
        hit[mark] = np.where(free if free.any() else near[mark], fit[mark], -1).argmax()
        if free.any():
            taken[hit[mark]] = mark
        else:
            duplicates += 1
    nothing = np.zeros(len(score), bool)
    return Matching(score, hit, ~nothing, nothing, taken, duplicates)


def without_false(matching: Matching) -> Matching:
    """Take the marks beside the nodules out, as on a radiograph where there may be more nodules than are known."""
    return replace(matching, on_excluded=matching.on_excluded | (matching.hit < 0))


def only(matching: Matching, keep: np.ndarray) -> Matching:
    """Restrict a matching: only some nodules (m,) are to be found: what hits the others counts neither way."""
    elsewhere = (matching.hit >= 0) & ~np.r_[keep, False][matching.hit]
    number = np.r_[np.cumsum(keep) - 1, -1]
    return replace(
        matching,
        hit=np.where(elsewhere, -1, number[matching.hit]),
        on_excluded=matching.on_excluded | elsewhere,
        nodule_mark=matching.nodule_mark[keep],
        duplicates=int(((matching.hit >= 0) & ~elsewhere).sum() - (matching.nodule_mark[keep] >= 0).sum()),
    )
