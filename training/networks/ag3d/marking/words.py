"""What 3D-AG's trace says, for a radiologist."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ....explain.answer import AIR, FIELD, FLOOR, JOINED, LIMIT, OVERLAP, PROPOSAL, Cause, Stage, lower
from ....inference.predictor import SCORE_FLOOR
from ..anatomy import ENOUGH, REACH_MM
from ..config import Config
from ..detect import Detections
from .marks import RIM_MM


def unseen(title: str) -> str:
    """The place lies outside the volume around the lungs."""
    return f"{title} did not look here: the place lies far outside the lungs that were found."


def nothing(title: str) -> str:
    """No anchor reaches the place."""
    return f"{title} sees nothing like a nodule here: none of its anchors reaches this place."


def too_low(
    kinds: Sequence[str], title: str, diameter: float, first: float, score: float, config: Config
) -> Cause:
    """The scores are too low, in one or more of `SCORES`; the first is the one to name."""
    would = f"looked at closer, its score would be {lower(score)}"
    if kinds[0] == FLOOR:
        words = (
            f"{title} looked closer here and takes it for no nodule: score {lower(score)}, and marks are kept from "
            f"{SCORE_FLOOR:g} on."
        )
    elif kinds[0] == PROPOSAL:
        words = (
            f"{title} sees hardly anything like a nodule here: its best guess, {diameter:.0f} mm wide, has a first score of "
            f"{lower(first)}, and it looks closer from {config.rpn_floor:g} on; {would}."
        )
    else:
        words = (
            f"{title} looks closer only at the surest places of a scan, and this one, with a first score of {lower(first)}, "
            f"is not among them; {would}."
        )
    return Cause(kinds[0], words, f"Its score would be too low as well: {lower(score)}.", frozenset(kinds))


def overlapped(distance: float, diameter: float) -> Cause:
    """Non-maximum suppression."""
    surer = f"surer candidate {distance:.0f} mm away, {diameter:.0f} mm wide,"
    words = f"A {surer} covers this place, and of two that overlap only the surer stays."
    return Cause(OVERLAP, words, f"And a {surer} covers it.")


def outside(shape: Sequence[int], sphere: np.ndarray) -> Cause:
    """The lung field, or the end of the scan."""
    if not np.all((sphere[:3] >= -0.5) & (sphere[:3] < np.array(shape) - 0.5)):
        words = "What is seen here has its middle beyond the end of the scan, where marks are not kept."
        return Cause(FIELD, words, "And its middle lies beyond the end of the scan.")
    words = f"The place lies outside the lungs as they were outlined, and more than {RIM_MM / 2:g} mm beyond marks are not kept."
    return Cause(FIELD, words, "And it lies outside the lungs as they were outlined.")


def joined(distance: float, diameter: float) -> Cause:
    """One lesion, one mark."""
    words = (
        f"What is seen here counts as part of a lesion whose mark lies {distance:.0f} mm away, {diameter:.0f} mm wide: it "
        "touches it, or solid tissue leads from one to the other."
    )
    return Cause(JOINED, words, f"And it would be joined to a lesion {distance:.0f} mm away.")


def airless(share: float) -> Cause:
    """The anatomy rule."""
    words = (
        f"There is hardly any air around this place, in {share:.0%} of all directions where a nodule has it in {ENOUGH:.0%} or "
        "more: it looks like a part of chest wall or hilum, so its score was lowered."
    )
    return Cause(AIR, words, "And there is hardly any air around, so its score would be lowered.")


def stages(
    one: Detections, off: Collection[str], anchor: tuple[float, int], config: Config, in_scan: bool
) -> tuple[Stage, ...]:
    """The stages of one detection, with what failed in `off`."""
    first, second, score = float(one.rpn[0]), float(one.fprn[0]), float(one.score[0])
    proposed = not {PROPOSAL, LIMIT, OVERLAP} & set(off)
    asked = True if proposed else None
    rows = [
        Stage("best anchor, mm", f"{anchor[0]:g} → {one.spheres[0, 3]:.1f}", f"stride {anchor[1]}"),
        Stage("first look (RPN)", lower(first), f"> {config.rpn_floor:g}", PROPOSAL not in off),
    ]
    if LIMIT in off:
        rows.append(Stage("among the surest", "no", "", False))
    rows.append(Stage("overlap (NMS)", "swallowed" if OVERLAP in off else "free", "", OVERLAP not in off))
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
    return Stage(f"air within {REACH_MM:g} mm", f"{share:.0%}", f"≥ {ENOUGH:.0%}", passed)
