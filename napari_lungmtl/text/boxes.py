"""What boxes and masks on a radiograph are, in words for the table and the nodule card."""

from __future__ import annotations

from collections.abc import Mapping

from ..training.findings import Finding, Findings
from ..training.imaging.image import Image
from ..training.inference.agreement import Agreement
from .networks import network

Agreements = Mapping[str, Agreement]
"""Which boxes two networks agree on, by id; empty where fewer than two looked."""

BOTH, ONE = "◆", "◇"
"""Marks of a box on which two networks agree, and of one that only one of them drew."""


def found_by(finding: Finding, agreements: Agreements) -> str:
    """``◆ DHN`` where another network marked it too, ``◇ DHN`` where none did, or ``by hand``."""
    if not finding.provenance.model:
        return "by hand"
    name, agreement = network(finding.provenance.model), agreements.get(finding.id)
    if agreement is None:
        return name
    return f"{ONE} {name}" if agreement.other is None else f"{BOTH} {name}"


def size(finding: Finding, image: Image) -> str:
    """``12.3 × 10.1 mm``, width and height of the box."""
    if finding.box is None:
        return ""
    height, width = (b - a for a, b in zip(finding.box.low, finding.box.high, strict=True))
    return f"{width:.0f} × {height:.0f} px" if image.spacing is None else f"{width:.1f} × {height:.1f} mm"


def story(finding: Finding, findings: Findings, agreements: Agreements, image: Image) -> str:
    """The card's lines: which network says what, how far two of them agree, how large it is and where.

    Parameters
    ----------
    finding
        A box or a mask; of anything else there is nothing to say.
    findings, agreements
        All that the radiograph has, and which of them two networks agree on.
    image
        The radiograph.
    """
    if finding.box is None:
        return ""
    lines = []
    if not finding.provenance.model:
        lines.append("Drawn by hand")
    else:
        edited = ", edited by hand" if finding.provenance.person else ""
        lines.append(f"{network(finding.provenance.model)} {finding.score:.2f}{edited}")
    agreement = agreements.get(finding.id)
    if agreement is not None and agreement.other is not None:
        other = findings[agreement.other]
        lines.append(f"{network(other.provenance.model)} {other.score:.2f}")
        lines.append(f"both: boxes overlap {100 * agreement.iou:.0f}\u00a0%")
    elif agreement is not None:
        lines.append("by this network only")
    units = "px" if image.spacing is None else "mm"
    y, x = finding.center
    lines.append(size(finding, image))
    lines.append(f"y {y:.0f}, x {x:.0f} {units}")
    return "\n".join(lines)


def legend(agreements: Agreements) -> str:
    """What marks and widths of boxes mean, where two networks looked; else empty."""
    if not agreements:
        return ""
    both = sum(a.other is not None for a in agreements.values()) // 2
    one = sum(a.other is None for a in agreements.values())
    return f"{BOTH} {both} marked by both, thick   {ONE} {one} by one, thin"
