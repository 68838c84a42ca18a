"""Which networks agree on a place of a radiograph: boxes of one beside the boxes of the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..findings import Box, Findings
from ..ops.boxes import box_iou

SAME_PLACE = 0.2
"""Intersection over union at which two boxes mean one nodule (NODE21's own rule for a hit)."""


@dataclass(frozen=True)
class Agreement:
    """What another network says of a box: the id of its box there, or None where it marked nothing.

    `iou` is the intersection over union of the two boxes, 0 without a partner.
    """

    other: str | None
    iou: float


def agreement(findings: Findings, visible_ids: Collection[str] | None = None) -> Mapping[str, Agreement]:
    """Pairs of boxes of different networks, one to one.

    By descending score, each box takes the free box of another network that overlaps it most. Two boxes may pair where their
    intersection over union is at least `SAME_PLACE`, or where the centre of one lies within the other: a mask's box is
    often much smaller than a detector's.

    Parameters
    ----------
    findings
        Of one radiograph. What a person drew or rejected, spheres and volumes take no part.
    visible_ids
        Only these take part (those above their threshold, for instance); None for all.

    Returns
    -------
    dict
        By the id of each box that took part. Empty where fewer than two networks looked: a box is one-sided only if
        another network could have marked it too.
    """
    boxes = {f.id: box for f in findings if f.provenance.model and (box := f.box) is not None}
    looked = {findings[i].provenance.model for i in boxes} | {str(m.get("name", "")) for m in findings.models}
    if len(looked - {""}) < 2:
        return {}
    taking_part = [
        f
        for f in sorted(findings, key=lambda f: -f.score)
        if f.id in boxes and f.status != "rejected" and (visible_ids is None or f.id in visible_ids)
    ]
    overlap, same = _compared([boxes[f.id] for f in taking_part])
    models = np.array([f.provenance.model for f in taking_part])
    near = same & (models[:, None] != models)
    found: dict[str, Agreement] = {}
    free = np.ones(len(taking_part), bool)
    for i, one in enumerate(taking_part):
        if not free[i]:
            continue
        free[i] = False
        partners = np.flatnonzero(near[i] & free)
        if not len(partners):
            found[one.id] = Agreement(None, 0.0)
            continue
        # The first of equals has the higher score.
        best = partners[overlap[i, partners].argmax()]
        free[best] = False
        found[one.id] = Agreement(taking_part[best].id, float(overlap[i, best]))
        found[taking_part[best].id] = Agreement(one.id, float(overlap[i, best]))
    return found


def same_place(a: Box, b: Box) -> bool:
    """Test whether two boxes mean one nodule."""
    return bool(_compared([a, b])[1][0, 1])


def _compared(boxes: Sequence[Box]) -> tuple[np.ndarray, np.ndarray]:
    """Compare n boxes with each other: intersection over union (n, n), and whether two are the same place (n, n)."""
    low, high, center = (
        np.array([getattr(b, name) for b in boxes], float).reshape(-1, 2)
        for name in ("low", "high", "center")
    )
    overlap = box_iou(np.hstack([low, high]), np.hstack([low, high]))
    holds = np.all((low[:, None] <= center) & (center <= high[:, None]), axis=-1)
    return overlap, (overlap >= SAME_PLACE) | holds | holds.T
