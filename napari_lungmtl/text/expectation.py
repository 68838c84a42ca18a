"""What a detector's marks on a scan are worth, as its card was measured: the sentence beside its threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..session.session import Session
from ..training.inference import registry
from ..training.inference.suitability import suits
from ..training.inference.weights import ModelCard

FEW = 10
"""Lesions below which no rate is told, but what was counted."""


def of_session(session: Session | None) -> str:
    """The sentence for the detector of a session's findings, or of its image before a run; empty where nothing is known."""
    if session is None or session.image is None or session.image.ndim != 3:
        return ""
    known = {str(model.get("name", "")) for model in session.findings.models}
    suitable = [i for i in registry.models() if i.task == "detection" and suits(i, session.image)]
    names = [info.name for info in registry.running(suitable)]
    if any(registry.shown_card(name) is None for name in known):  # by networks of another make
        return ""
    card = next((c for name in sorted(names, key=lambda n: n not in known) if (c := _card(name))), None)
    if card is None or _made_by(session, card.name) != card.version:
        return ""
    return at_threshold(card, session.thresholds.score)


def _made_by(session: Session, name: str) -> str:
    """The version of a network whose marks are seen, or that a run would use: own weights were not measured as the shipped ones."""
    in_use = {info.name: info.version for info in registry.models()}
    found = {str(m.get("name", "")): str(m.get("version", "")) for m in session.findings.models}
    return found.get(name) or in_use.get(name, "")


def _card(name: str) -> ModelCard | None:
    card = registry.shown_card(name)
    return card if card is not None and _rows(card) else None


def at_threshold(card: ModelCard, threshold: float) -> str:
    """How many marks beside lesions a scan has at a score, and how many of ten lesions are found; empty if not measured.

    The card's ``metrics["whole_scans"]["at_threshold"]`` has them at some scores (``lungmtl evaluate --data ct/whole``): taken is
    the nearest one that the threshold has reached, else the lowest.
    """
    rows = _rows(card)
    if not rows:
        return ""
    reached = [score for score in rows if score <= threshold + 1e-9]
    score = max(reached, default=min(rows))
    row = rows[score]
    other, lesions = row["other_per_scan"], row["lesions"]
    about = f"about {other:.1f}" if 0 < other < 3 else f"about {other:.0f}" if other else "no"
    marks = "mark" if about == "about 1.0" else "marks"
    begin = "At" if reached else "Already at"
    found = f"finds {10 * row['found'] / lesions:.0f} of 10 lesions ({row['found']} of {lesions} measured)"
    if lesions < FEW:  # which do not bear such a sentence
        found = f"found {row['found']} of the {lesions} lesions measured"
    return f"{begin} {score:.4g}: {about} other {marks} a scan, {found}."


def _rows(card: ModelCard) -> dict[float, Mapping[str, Any]]:
    """Counts by score, of a card that has any."""
    rows = card.metrics.get("whole_scans", {}).get("at_threshold", {})
    return {float(score): row for score, row in rows.items() if row.get("lesions")}
