"""Findings on a radiograph as rectangles of a Shapes layer, and the rectangles' way back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from ...text.boxes import Agreements
from ...text.networks import network
from ...training.findings import Box, Finding
from ..overlay_colors import color_of, rgba
from ..reconcile import Edit, reconcile
from ..rectangle import corners
from ..spheres.rows import ACCENT

TOLERANCE = 1e-3
"""Of the shorter side of a rectangle; less is rounding, not an edit."""
THIN, PLAIN, THICK = 1.4, 2.0, 3.2
"""Widths of edges in pixels of the screen: marked by one network only, not compared, marked by both."""
NEW_ROW = {"id": "", "label": "", "color": "#ffffff"}
"""Features of a rectangle that was just drawn, until it has become a finding."""


def planar(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that a radiograph can show: boxes, and masks by their box."""
    return tuple(f for f in findings if f.box is not None)


def vertices(box: Box) -> np.ndarray:
    """Corners (4, 2), y and x in world units, clockwise from the upper left."""
    return corners((*box.low, *box.high))


def bounding(shape: np.ndarray, smallest: float = 0.0) -> Box | None:
    """The upright box around a shape (n, 2); None where both its sides are shorter than `smallest`, or one is nothing."""
    low, high = shape.min(axis=0), shape.max(axis=0)
    if not (high > low).all() or (high - low < smallest).all():
        return None
    return Box((low[0], low[1]), (high[0], high[1]))


def features(findings: Sequence[Finding], agreements: Agreements) -> pd.DataFrame:
    """The columns that stay with the rows; `label` is written above the rectangle in `color`."""
    by_id = {f.id: f for f in findings}
    labels = [label(f, _partner(f, agreements, by_id)) for f in findings]
    return pd.DataFrame(
        {
            "id": pd.Series([f.id for f in findings], dtype=object),
            "label": pd.Series(labels, dtype=object),
            "color": pd.Series([color_of(f) for f in findings], dtype=object),
        }
    )


def label(finding: Finding, partner: Finding | None = None) -> str:
    """What stands above a box: ``DHN 0.83``; of two boxes that agree, the surer one speaks for both."""
    mark = {"accepted": "✓ ", "rejected": "✕ "}.get(finding.status, "")
    if partner is not None and yields_to(finding, partner):
        return mark.strip()
    return mark + said(finding, partner)


def yields_to(finding: Finding, partner: Finding) -> bool:
    """Whether the box by which another network marks the same lesion speaks for both."""
    return (partner.score, partner.id) > (finding.score, finding.id)


def said(finding: Finding, partner: Finding | None = None) -> str:
    """Who marked it, how surely: ``DHN 0.83``, ``DHN 0.83 + MO-SegNet 0.69``."""
    return signature(finding) if partner is None else f"{signature(finding)} + {signature(partner)}"


def signature(finding: Finding) -> str:
    """``DHN 0.83``, ``DHN 0.83 edited``, or whose hand drew it."""
    if not finding.provenance.model:
        return "by hand"
    return f"{network(finding.provenance.model)} {finding.score:.2f}" + (
        " edited" if finding.provenance.person else ""
    )


def _partner(finding: Finding, agreements: Agreements, by_id: Mapping[str, Finding]) -> Finding | None:
    agreement = agreements.get(finding.id)
    other = agreement.other if agreement is not None else None
    return by_id.get(other) if other is not None else None


def edges(findings: Sequence[Finding], selected: Collection[str]) -> np.ndarray:
    """RGBA (n, 4): whose word it is; the accent where selected."""
    rows = [(*ACCENT, 1.0) if f.id in selected else rgba(color_of(f)) for f in findings]
    return np.array(rows, float).reshape(-1, 4)


def widths(findings: Sequence[Finding], agreements: Agreements) -> list[float]:
    """Pixels of the screen (n,): thick where two networks agree, thin where only one marked the place."""
    partners = [agreements.get(finding.id) for finding in findings]
    return [PLAIN if a is None else THIN if a.other is None else THICK for a in partners]


def edit_of(
    rendered: Sequence[Finding], ids: Sequence[object], shapes: Sequence[np.ndarray], smallest: float = 0.0
) -> Edit:
    """What a person changed, from the rows as they are now.

    Parameters
    ----------
    rendered, ids
        As for `reconcile`.
    shapes
        (n, 2) corners y, x of each row in world units. Whatever the shape is, its upright bounding box counts.
    smallest
        World units: a new shape with both sides shorter was a click and no drawing.
    """
    return reconcile(rendered, ids, shapes, new=lambda shape: bounding(shape, smallest), changed=_changed)


def _changed(finding: Finding, shape: np.ndarray) -> Box | None:
    box = bounding(shape)
    if box is None or finding.box is None:
        return None
    box = snapped(box, finding.box)
    return None if box == finding.box else box


def snapped(box: Box, to: Box) -> Box:
    """The box with those edges of another that differ by no more than rounding: napari keeps float32."""
    least = TOLERANCE * min(to.high[0] - to.low[0], to.high[1] - to.low[1])
    new = np.array((*box.low, *box.high))
    old = np.array((*to.low, *to.high))
    top, left, bottom, right = np.where(np.abs(new - old) <= least, old, new).tolist()
    return Box((top, left), (bottom, right))


def is_close(shape: np.ndarray, target: np.ndarray) -> bool:
    """Whether a rectangle (4, 2) is this one, but for rounding."""
    return bool(np.abs(shape - target).max() <= TOLERANCE * np.ptp(target, axis=0).min())
