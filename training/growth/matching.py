"""Which findings of two studies are the same nodule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..findings import Finding
from .registration import Registration

REACH_MM = 10.0
"""How far two marks of one nodule may lie apart beside half of their mean diameter: breathing that an affine map leaves over."""


@dataclass(frozen=True)
class Match:
    """One nodule in two studies.

    Parameters
    ----------
    present, prior
        Its finding in either; None where there is none, so it is new, or gone.
    distance
        Millimetres between them after registration; None where one is missing.
    """

    present: Finding | None
    prior: Finding | None
    distance: float | None = None


def match_findings(
    present: Sequence[Finding], prior: Sequence[Finding], registration: Registration
) -> tuple[Match, ...]:
    """Match the findings of two CTs one to one, so that as many as can be are matched, and they lie as near as can be.

    Two findings may be the same where their middles, once registered, lie at most `REACH_MM` and half their mean diameter apart.
    Among those, the distance decides, as a part of what is allowed, and less so the ratio of the diameters: of two neighbours
    the one of like size.

    Parameters
    ----------
    present, prior
        Findings with a place in the volume (spheres and masks).
    registration
        Maps places of the present study to the prior one.

    Returns
    -------
    tuple of Match
        In the order of `present`; then what is gone, in the order of `prior`.
    """
    from scipy.optimize import linear_sum_assignment

    if not present or not prior:
        return (*(Match(f, None) for f in present), *(Match(None, f) for f in prior))
    here = registration.to_prior([f.center for f in present])
    there = np.array([f.center for f in prior], float)
    distance = np.linalg.norm(here[:, None] - there, axis=-1)
    sizes = np.array([f.diameter for f in present])[:, None], np.array([f.diameter for f in prior])[None]
    allowed = REACH_MM + (sizes[0] + sizes[1]) / 4
    cost = distance / allowed + 0.25 * np.abs(np.log(sizes[0] / sizes[1]))
    possible = distance <= allowed
    never = 10.0 * (1 + cost.max()) * min(cost.shape)  # dearer than all that could be matched instead
    rows, columns = linear_sum_assignment(np.where(possible, cost, never))
    partner = {int(i): int(j) for i, j in zip(rows, columns, strict=True) if possible[i, j]}
    found = [
        Match(f, prior[partner[i]], float(distance[i, partner[i]])) if i in partner else Match(f, None)
        for i, f in enumerate(present)
    ]
    gone = [Match(None, f) for j, f in enumerate(prior) if j not in partner.values()]
    return (*found, *gone)
