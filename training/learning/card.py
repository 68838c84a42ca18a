"""The weights that were learnt, and a card that says what from and how good they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..inference.weights import ModelCard, save_weights, seen_cases
from .fit import Choice
from .guard import Verdict
from .reviewed import ReviewedStudy

LIMIT = (
    "Learnt from {count} of one place: for that place alone, and for research only. What else the card says of "
    "limits holds as for the weights that it started from."
)
KEPT = ("dev_cases", "series", "test_folds")
"""What the card before says of cases: those that its scores were calibrated on are found by it."""
HOW = (
    "the last layer alone, started from the weights named in the log; a study that was held back taught nothing; a hit has IoU ≥ "
    "0.4 or its centre in the nodule"
)


def write_learned(
    state: dict[str, Any],
    parent: ModelCard,
    out: Path,
    studies: Sequence[ReviewedStudy],
    held_back: Sequence[ReviewedStudy],
    choice: Choice,
    verdict: Verdict | None = None,
) -> Path:
    """Write ``<network>.safetensors`` with its card; gives the weights' path.

    Parameters
    ----------
    parent
        The card of the weights that it started from.
    verdict
        None while nothing was measured yet.
    """
    count = f"{len(studies)} reviewed stud{'y' if len(studies) == 1 else 'ies'}"
    training = {
        # What must not be forgotten stays the same when these weights are learnt from again.
        **{name: parent.training[name] for name in KEPT if name in parent.training},
        "data": [f"{count} of one's own, the last layer alone; before that: {_earlier(parent)}"],
        "cases": sorted(study.name for study in studies),
        "held_back": sorted(study.name for study in held_back),
        "nodules": sum(len(study.nodules) for study in studies),
        "rejected": sum(len(study.rejected) for study in studies),
        "pull": choice.pull,
        "share": choice.share,
        "log": {
            "started_from": f"{parent.name} {parent.version}, SHA-256 {parent.sha256}",
            "earlier_cases": sorted(seen_cases(parent)),
            "loss_left_out": {"before": choice.before, "after": choice.after} if choice.after else {},
        },
    }
    metrics = {} if verdict is None else {"learned": measured(verdict)}
    card = replace(
        parent,
        purpose=f"{parent.purpose.partition('. ')[0].rstrip('.')}. Learnt from {count}.",
        training=training,
        metrics=metrics,
        limits=(LIMIT.format(count=count), *parent.limits),
    )
    return save_weights(state, card, out)


def measured(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as the card has it."""
    return {
        "how": HOW,
        "recommended": verdict.recommended,
        "sentence": verdict.sentence,
        "comparisons": [c.to_json() for c in verdict.comparisons],
    }


def _earlier(parent: ModelCard) -> str:
    data = parent.training.get("data") or ["nothing that its card names"]
    return "; ".join(map(str, data))
