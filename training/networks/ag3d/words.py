"""What 3D-AG's trace says, for a radiologist."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ...explain.answer import FIELD, FLOOR, JOINED, LIMIT, OVERLAP, PROPOSAL, Stage, lower
from ...inference.predictor import SCORE_FLOOR
from .anatomy import ENOUGH, REACH_MM
from .config import Config
from .detect import Detections
from .marks import RIM_MM


def unseen(title: str) -> str:
    """The place lies outside the volume around the lungs."""
    return f"{title} did not look here: the place lies far outside the lungs that were found."


def nothing(title: str) -> str:
    """No anchor reaches the place."""
    return f"{title} sees nothing like a nodule here: none of its anchors reaches this place."


def too_low(kind: str, title: str, diameter: float, first: float, score: float, config: Config) -> str:
    """The scores are too low; `kind` is the first that was: `PROPOSAL`, `LIMIT` or `FLOOR`."""
    if kind == FLOOR:
        return (
            f"{title} looked closer here and takes it for no nodule: score {lower(score)}, and marks are kept from "
            f"{SCORE_FLOOR:g} on."
        )
    would = f"looked at closer, its score would be {lower(score)}"
    if kind == PROPOSAL:
        return (
            f"{title} sees hardly anything like a nodule here: its best guess, {diameter:.0f} mm wide, has a first score of "
            f"{lower(first)}, and it looks closer from {config.rpn_floor:g} on; {would}."
        )
    return (
        f"{title} looks closer only at the surest places of a scan, and this one, with a first score of {lower(first)}, is not "
        f"among them; {would}."
    )


def overlapped(distance: float, diameter: float, score: float) -> str:
    """Non-maximum suppression."""
    return (
        f"A surer candidate {distance:.0f} mm away, {diameter:.0f} mm wide, covers this place, and of two that overlap only the "
        f"surer stays; alone, this one would have a score of {lower(score)}."
    )


def outside(shape: Sequence[int], sphere: np.ndarray, score: float) -> str:
    """The lung field, or the end of the scan."""
    if not np.all((sphere[:3] >= -0.5) & (sphere[:3] < np.array(shape) - 0.5)):
        return "What is seen here has its middle beyond the end of the scan, where marks are not kept."
    return (
        f"The place lies outside the lungs as they were outlined, more than {RIM_MM / 2:g} to {RIM_MM:g} mm beyond their edge, "
        f"where marks are not kept; inside, it would have a score of {lower(score)}."
    )


def joined(distance: float, diameter: float) -> str:
    """One lesion, one mark."""
    return (
        f"What is seen here counts as part of the lesion whose mark lies {distance:.0f} mm away, {diameter:.0f} mm wide: it "
        "touches it, or solid tissue leads from one to the other."
    )


def airless(share: float, score: float) -> str:
    """The anatomy rule."""
    return (
        f"There is hardly any air around this place ({share:.0%} of all directions, a nodule has {ENOUGH:.0%} or more), as in "
        f"chest wall or hilum, so its score of {lower(score)} was lowered."
    )


def stages(
    one: Detections, off: Collection[str], anchor: str, config: Config, in_scan: bool
) -> tuple[Stage, ...]:
    """The stages of one detection, with what failed in `off`."""
    first, second, score = float(one.rpn[0]), float(one.fprn[0]), float(one.score[0])
    proposed = not {PROPOSAL, LIMIT, OVERLAP} & set(off)
    asked = True if proposed else None
    rows = [
        Stage("anchor", f"{anchor} → {one.spheres[0, 3]:.1f} mm"),
        Stage("first look (RPN)", lower(first), f"> {config.rpn_floor:g}", PROPOSAL not in off),
    ]
    if LIMIT in off:
        rows.append(Stage("among the surest", "no", "", False))
    rows.append(
        Stage("overlap (NMS)", "a surer one" if OVERLAP in off else "no surer one", "", OVERLAP not in off)
    )
    rows.append(Stage("second look (FPRN)", lower(second), "", asked))
    if not in_scan:
        return (*rows, Stage("both, calibrated", lower(score), "", asked))
    rows.append(Stage("lung field", "outside" if FIELD in off else "inside", "", FIELD not in off))
    kept = Stage(
        "both, calibrated", lower(score), f"≥ {SCORE_FLOOR:g}", FLOOR not in off if proposed else None
    )
    rows.append(kept)
    if JOINED in off:
        rows.append(Stage("one lesion, one mark", "joined to another", "", False))
    return tuple(rows)


def joined_stage(parts: int) -> tuple[Stage, ...]:
    """How many marks a lesion's mark was joined from, if several."""
    return (Stage("one lesion, one mark", f"joined from {parts}"),) if parts > 1 else ()


def air_stage(share: float, passed: bool) -> Stage:
    """The share of directions with air."""
    return Stage(f"air within {REACH_MM:g} mm", f"{share:.0%}", f"≥ {ENOUGH:.0%}, else lower", passed)
