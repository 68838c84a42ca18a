"""Two sets of findings of one image beside each other: what only one of them has, and what they see differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..findings.finding import Finding, Findings
from ..findings.truth import sphere_of

MOVED_MM = 2.0
"""Distance of centres from which on a finding counts as moved."""
RESIZED_MM = 1.5
"""Difference of diameters from which on a finding counts as resized: Lung-RADS v2022 calls so much growth."""
RELATIVE = 0.15
"""The same for boxes on a radiograph, as a part of the larger box's longer side."""
MALIGNANCY = 0.2
"""Difference of malignancy (0–1) from which on two opinions differ; LIDC's scale has steps of 0.25."""

WORDS = ("reason", "confidence", "label", "note")
"""What a person says of a finding beside the decision."""


class Kind(StrEnum):
    """What there is between two sets; a pair may be several of those from *moved* on."""

    ONLY_A = "only in A"
    ONLY_B = "only in B"
    SAME = "both"
    MOVED = "moved"
    RESIZED = "resized"
    MALIGNANCY = "other malignancy"
    DECISION = "other decision"
    SHAPE = "other outline"
    WORDS = "other note"


@dataclass(frozen=True)
class Difference:
    """A lesion as two sets have it; None where one of them does not."""

    a: Finding | None
    b: Finding | None
    kinds: tuple[Kind, ...]

    @property
    def finding(self) -> Finding:
        """What to look at."""
        found = self.a if self.a is not None else self.b
        assert found is not None
        return found

    @property
    def same(self) -> bool:
        """Whether both sets say the same."""
        return self.kinds == (Kind.SAME,)


def differences(a: Findings, b: Findings) -> list[Difference]:
    """Pair two sets and say what differs.

    Findings are one lesion where the same id has them near each other, or else where their centres are closer than the sum of
    their radii, each taking one partner so that the sum of distances is least; boxes on a radiograph where they overlap. What one
    set rejected and the other did not is a pair of another decision; what is rejected in both, or has no partner, is left out.
    Decisions, outlines and notes are compared where the id is the same: a truth is accepted by its nature.

    Returns
    -------
    list of Difference
        The pairs and what only A has in A's order, then what only B has.
    """
    partner = _partners(a, b)
    taken = {g.id for g in partner.values()}
    found = [
        Difference(f, partner[f.id], _kinds(f, partner[f.id]))
        if f.id in partner
        else Difference(f, None, (Kind.ONLY_A,))
        for f in a
    ]
    found += [Difference(None, g, (Kind.ONLY_B,)) for g in b if g.id not in taken]
    return [one for one in found if any(f is not None and not _rejected(f) for f in (one.a, one.b))]


def _rejected(finding: Finding) -> bool:
    return finding.status == "rejected"


def _partners(a: Findings, b: Findings) -> dict[str, Finding]:
    """B's findings by the ids of A's. What is rejected takes no partner from what is not, unless it is the same finding."""
    theirs = {f.id for f in b}
    shared = {f.id for f in a if f.id in theirs and are_near(f, b[f.id])}
    first = [[f for f in each if not _rejected(f) or f.id in shared] for each in (a, b)]
    partner = _pairs(*first)
    taken = {g.id for g in partner.values()}
    return partner | _pairs([f for f in a if f.id not in partner], [g for g in b if g.id not in taken])


def are_near(f: Finding, g: Finding) -> bool:
    """Tell whether two findings may be one lesion by their places."""
    if (f.box is None) != (g.box is None):
        return False
    distance, reach = _distance(f, g)
    return distance < reach


def _pairs(ours: Sequence[Finding], theirs: Sequence[Finding]) -> dict[str, Finding]:
    if not ours or not theirs:
        return {}
    cost, near = np.full((2, len(ours), len(theirs)), np.inf)
    for i, f in enumerate(ours):
        for j, g in enumerate(theirs):
            if (f.box is None) == (g.box is None):
                distance, reach = _distance(f, g)
                near[i, j] = distance < reach
                # The same finding, edited: no other comes before it.
                cost[i, j] = distance - (reach if f.id == g.id else 0)
    allowed = near == 1
    far = 1e6  # beyond all distances in a body, so that as many as possible are paired
    rows, columns = linear_sum_assignment(np.where(allowed, cost, far))
    return {ours[i].id: theirs[j] for i, j in zip(rows, columns, strict=True) if allowed[i, j]}


def _distance(f: Finding, g: Finding) -> tuple[float, float]:
    """Distance of two findings' centres, and the one from which on they are apart."""
    if f.box is not None and g.box is not None:
        distance = float(np.linalg.norm(np.subtract(f.box.center, g.box.center)))
        overlap = all(
            lo < hi
            for lo, hi in zip(
                np.maximum(f.box.low, g.box.low), np.minimum(f.box.high, g.box.high), strict=True
            )
        )
        return distance, (f.box.diameter + g.box.diameter) * overlap
    p, q = sphere_of(f), sphere_of(g)
    return float(np.linalg.norm(np.subtract(p.center, q.center))), (p.diameter + q.diameter) / 2


def _kinds(f: Finding, g: Finding) -> tuple[Kind, ...]:
    distance, _ = _distance(f, g)
    sizes = f.diameter, g.diameter
    flat = f.box is not None
    kinds = []
    if distance >= (RELATIVE * max(sizes) if flat else MOVED_MM):
        kinds.append(Kind.MOVED)
    if abs(sizes[0] - sizes[1]) >= (RELATIVE * max(sizes) if flat else RESIZED_MM):
        kinds.append(Kind.RESIZED)
    if (
        f.malignancy is not None
        and g.malignancy is not None
        and abs(f.malignancy - g.malignancy) >= MALIGNANCY
    ):
        kinds.append(Kind.MALIGNANCY)
    same_id = f.id == g.id
    if (f.status != g.status) if same_id else (_rejected(f) != _rejected(g)):
        kinds.append(Kind.DECISION)
    if same_id and f.geometry != g.geometry and (f.kind == "mask" or g.kind == "mask"):
        kinds.append(Kind.SHAPE)
    if same_id and any(getattr(f, name) != getattr(g, name) for name in WORDS):
        kinds.append(Kind.WORDS)
    return tuple(kinds) or (Kind.SAME,)
