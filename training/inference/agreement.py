"""Which networks agree on a place of a radiograph: boxes of one beside the boxes of the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..findings import Box, Finding, Findings

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
    pairs: dict[str, Agreement] = {}
    for one in taking_part:
        if one.id in pairs:
            continue
        partner = _partner(one, [f for f in taking_part if f.id not in pairs], boxes)
        if partner is None:
            pairs[one.id] = Agreement(None, 0.0)
            continue
        overlap = iou(boxes[one.id], boxes[partner.id])
        pairs[one.id] = Agreement(partner.id, overlap)
        pairs[partner.id] = Agreement(one.id, overlap)
    return pairs


def _partner(one: Finding, free: list[Finding], boxes: Mapping[str, Box]) -> Finding | None:
    """The free box of another network that overlaps most, the higher score first among equals."""
    own = boxes[one.id]
    near = [f for f in free if f.provenance.model != one.provenance.model and same_place(own, boxes[f.id])]
    return max(near, key=lambda f: (iou(own, boxes[f.id]), f.score), default=None)


def same_place(a: Box, b: Box) -> bool:
    """Whether two boxes mean one nodule."""
    return iou(a, b) >= SAME_PLACE or _holds(a, b.center) or _holds(b, a.center)


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0–1."""
    corners = zip(a.low, b.low, a.high, b.high, strict=True)
    sides = [min(high_a, high_b) - max(low_a, low_b) for low_a, low_b, high_a, high_b in corners]
    both = sides[0] * sides[1] if min(sides) > 0 else 0.0
    return both / (_area(a) + _area(b) - both)


def _area(box: Box) -> float:
    return (box.high[0] - box.low[0]) * (box.high[1] - box.low[1])


def _holds(box: Box, point: tuple[float, float]) -> bool:
    return all(low <= p <= high for low, p, high in zip(box.low, point, box.high, strict=True))
