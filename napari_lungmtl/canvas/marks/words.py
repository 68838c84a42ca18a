"""What stands at a mark: number, diameter, and what networks said of it. No Qt, no napari."""

from __future__ import annotations

from ...layers.boxes import rows as boxes
from ...layers.spheres import rows as spheres
from ...training.findings import Box, Finding

_STATUS = {"accepted": "✓ ", "rejected": "✕ "}


def caption(finding: Finding, units: str, partner: Finding | None = None) -> str:
    """``3 · 8.2 mm · 0.97 · M .81``, ``1 · 23.4 mm · DHN 0.83``; of two boxes that agree, the surer one speaks for both.

    Parameters
    ----------
    finding
        A sphere or a mask of a CT, a box or a mask of a radiograph.
    units
        ``"mm"``, or ``"pixel"`` where millimetres are unknown.
    partner
        The box by which another network marks the same lesion.
    """
    status = _STATUS.get(finding.status, "")
    if partner is not None and boxes.yields_to(finding, partner):
        return f"{status}{finding.number or ''}".strip() if status else ""
    number = [str(finding.number)] if finding.number else []
    flat = isinstance(finding.geometry, Box) or finding.box is not None
    said = boxes.said(finding, partner) if flat else spheres.label(finding)
    return status + " · ".join([*number, length(finding.diameter, units), said])


def length(value: float, units: str) -> str:
    """``8.2 mm``, or ``57 px``: parts of pixels would be made up."""
    return f"{value:.0f} px" if units == "pixel" else f"{value:.1f} {units}"
