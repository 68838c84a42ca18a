"""Findings on a radiograph as rectangles of a Shapes layer, and the rectangles' way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..session.review import moved, reviewer
from ..text.networks import network
from ..training.findings import Box, Finding, Provenance
from ..training.inference.agreement import Agreement
from .overlay_colors import color_of, rgba
from .sphere_rows import ACCENT, Edit

TOLERANCE = 1e-3
"""Of the shorter side of a rectangle; less is rounding, not an edit."""
THIN, PLAIN, THICK = 1.4, 2.0, 3.2
"""Widths of edges in pixels of the screen: marked by one network only, not compared, marked by both."""
NEW_ROW = {"id": "", "label": "", "color": "#ffffff"}
"""Features of a rectangle that was just drawn, until it has become a finding."""

Agreements = Mapping[str, Agreement]


def planar(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that a radiograph can show: boxes, and masks by their box."""
    return tuple(f for f in findings if f.box is not None)


def vertices(box: Box) -> np.ndarray:
    """Corners (4, 2), y and x in world units, clockwise from the upper left."""
    (top, left), (bottom, right) = box.low, box.high
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])


def bounding(corners: np.ndarray, smallest: float = 0.0) -> Box | None:
    """The upright box around a shape (n, 2); None where both its sides are shorter than `smallest`, or one is nothing."""
    low, high = corners.min(axis=0), corners.max(axis=0)
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
    if partner is None:
        return mark + said(finding)
    if (partner.score, partner.id) > (finding.score, finding.id):
        return mark.strip()
    return f"{mark}{said(finding)} + {said(partner)}"


def said(finding: Finding) -> str:
    """``DHN 0.83``, ``DHN 0.83 edited``, or whose hand drew it."""
    if not finding.provenance.model:
        return "by hand"
    return f"{network(finding.provenance.model)} {finding.score:.2f}" + (
        " edited" if finding.provenance.person else ""
    )


def _partner(finding: Finding, agreements: Agreements, by_id: Mapping[str, Finding]) -> Finding | None:
    found = agreements.get(finding.id)
    return by_id.get(found.other) if found is not None and found.other is not None else None


def edges(findings: Sequence[Finding], selected: str | None) -> np.ndarray:
    """RGBA (n, 4): whose word it is; the accent where selected."""
    rows = [(*ACCENT, 1.0) if f.id == selected else rgba(color_of(f)) for f in findings]
    return np.array(rows, float).reshape(-1, 4)


def widths(findings: Sequence[Finding], agreements: Agreements) -> list[float]:
    """Pixels of the screen (n,): thick where two networks agree, thin where only one marked the place."""
    result = []
    for finding in findings:
        found = agreements.get(finding.id)
        result.append(PLAIN if found is None else THIN if found.other is None else THICK)
    return result


def reconcile(
    drawn: Sequence[Finding], ids: Sequence[object], shapes: Sequence[np.ndarray], smallest: float = 0.0
) -> Edit:
    """What a person changed, from the rows as they are now.

    Parameters
    ----------
    drawn
        The findings that the layer was given, in the order of its rows.
    ids
        The rows' ids. A row is a new finding where nobody knows its id, or where the id comes a second time or out of
        order: napari appends new shapes, and gives them the id of a shape that was selected.
    shapes
        (n, 2) corners y, x of each row in world units. Whatever the shape is, its upright bounding box counts.
    smallest
        World units: a new shape with both sides shorter was a click and no drawing.
    """
    places = {f.id: place for place, f in enumerate(drawn)}
    seen: set[str] = set()
    last = -1
    add: list[Finding] = []
    change: list[Finding] = []
    for id, corners in zip(ids, shapes, strict=True):
        place = places.get(str(id), -1)
        if place <= last:
            box = bounding(corners, smallest)
            if box is not None:
                add.append(Finding(box, provenance=Provenance(person=reviewer())))
            continue
        last, finding = place, drawn[place]
        seen.add(finding.id)
        box = bounding(corners)
        if box is not None and finding.box is not None and (box := snapped(box, finding.box)) != finding.box:
            change.append(moved(finding, box))
    return Edit(tuple(add), tuple(change), tuple(id for id in places if id not in seen))


def snapped(box: Box, to: Box) -> Box:
    """The box with those edges of another that differ by no more than rounding: napari keeps float32."""
    least = TOLERANCE * min(to.high[0] - to.low[0], to.high[1] - to.low[1])
    new = np.array((*box.low, *box.high))
    old = np.array((*to.low, *to.high))
    top, left, bottom, right = np.where(np.abs(new - old) <= least, old, new).tolist()
    return Box((top, left), (bottom, right))


def close(shape: np.ndarray, corners: np.ndarray) -> bool:
    """Whether a rectangle (4, 2) is this one, but for rounding."""
    return bool(np.abs(shape - corners).max() <= TOLERANCE * np.ptp(corners, axis=0).min())
