"""Colours of what lies over a radiograph: whose word it is, chosen from Okabe and Ito's colours for every kind of eyes.

No colour stands alone: the label of a box names its network, masks are filled, and the truth is drawn as corners.
"""

from __future__ import annotations

from ..training.findings import Finding
from ..training.inference.registry import shown_card

OTHER, PERSON, REJECTED = "#e58bb8", "#f5e663", "#a6a6a6"
"""Of networks whose card names no color, of what a person drew, and of what was rejected."""
REGIONS = {"right lung": "#8fd19e", "left lung": "#b9a3e3", "lungs": "#8fd19e"}
"""Outlines of lungs, right and left apart; other anatomy takes `OTHER`."""
TRUTH, MISS, FALSE_ALARM, EXCLUDED = "#3fd0c9", "#ff9e4a", "#ff7ab8", "#a6a6a6"
"""Of true nodules, of those that no finding hits, of findings that hit none, and of what counts neither way; each has a shape of
its own besides: a square (corners on a radiograph), a diamond, an ✕ and a triangle."""


def color_of(finding: Finding) -> str:
    """``#rrggbb`` of a finding's box, mask and label: its network, or the person who drew it; grey where rejected."""
    if finding.status == "rejected":
        return REJECTED
    if not finding.provenance.model:
        return PERSON
    card = shown_card(finding.provenance.model)
    return (card.color if card is not None else "") or OTHER


def rgba(color: str, alpha: float = 1.0) -> tuple[float, float, float, float]:
    """Channels 0–1 of ``#rrggbb``."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, alpha
