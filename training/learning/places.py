"""Which places mean one thing: boxes on radiographs, spheres in CTs, as `Candidates.places` has them."""

from __future__ import annotations

import numpy as np

from ..ops.boxes import box_iou
from .candidates import Candidates
from .fit import Rows

SAME = 0.4
"""Intersection over union from which boxes mean one nodule (DHN, §4, footnote 2)."""


def hits(places: np.ndarray, targets: np.ndarray, planar: bool) -> np.ndarray:
    """Test which places (P, 4) hit which targets (T, 4): bool (P, T).

    A box hits by `SAME`, or by its centre within the target; a sphere by its centre within the target's radius (LUNA16's rule).
    """
    if not planar:
        distance = np.linalg.norm(places[:, None, :3] - targets[None, :, :3], axis=2)
        return distance < targets[None, :, 3] / 2
    center = (places[:, None, :2] + places[:, None, 2:]) / 2
    inside = ((center >= targets[None, :, :2]) & (center < targets[None, :, 2:])).all(2)
    return inside | (box_iou(places, targets) >= SAME)


def touches(places: np.ndarray, targets: np.ndarray, planar: bool) -> np.ndarray:
    """Test which places (P, 4) overlap which targets (T, 4) at all: bool (P, T)."""
    if planar:
        return box_iou(places, targets) > 0
    distance = np.linalg.norm(places[:, None, :3] - targets[None, :, :3], axis=2)
    return distance < (places[:, None, 3] + targets[None, :, 3]) / 2


def judged_rows(candidates: Candidates, nodules: np.ndarray, rejected: np.ndarray, planar: bool) -> Rows:
    """Pick the candidates that a person has judged; whatever lies on neither is left out.

    Parameters
    ----------
    nodules, rejected
        (N, 4) and (R, 4). A candidate that so much as touches a nodule is no example of what is none.
    """
    good = hits(candidates.places, nodules, planar)
    near = np.hstack([good, touches(candidates.places, nodules, planar)]).any(1, keepdims=True)
    bad = hits(candidates.places, rejected, planar) & ~near
    chosen: list[tuple[int, int, float]] = []
    for label, which in ((1, good), (0, bad)):
        for column in which.T:
            at = np.flatnonzero(column)
            chosen += [(int(i), label, 1 / len(at)) for i in at]
    index = np.array([i for i, _, _ in chosen], int)
    return Rows(
        candidates.features[index].astype(float),
        candidates.logits[index].astype(float),
        np.array([label for _, label, _ in chosen], int),
        np.array([weight for _, _, weight in chosen], float),
    )
