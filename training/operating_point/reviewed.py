"""What a person's review says of a network's marks on one scan: which are false, as far as that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..findings import Findings
from ..inference import registry


@dataclass(frozen=True)
class ReviewedCase:
    """Scores of a network's marks on one scan that a person has read.

    Parameters
    ----------
    false
        Of the marks that are rejected, and of those that nobody accepted: what was hidden or passed over may be false.
    true
        Of the marks that a person accepted, moved or resized.
    """

    false: tuple[float, ...]
    true: tuple[float, ...]


def weights_of(models: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name the weights that marks come from: ``name sha256`` of each detector and reduction, sorted.

    A model that is not at hand counts as a detector. One whose entry has no SHA-256 is known by its version, and one of another
    make by both: its version names the configuration beside the weights.
    """
    return tuple(sorted(_weights(model) for model in models if _finds(str(model.get("name", "")))))


def _weights(model: Mapping[str, Any]) -> str:
    name, version, sha = (str(model.get(key) or "") for key in ("name", "version", "sha256"))
    known = (version, sha) if model.get("file") else (sha or version,)
    return " ".join(filter(None, (name, *known)))


def _finds(name: str) -> bool:
    card = registry.shown_card(name)
    return card is None or card.task in registry.FINDERS


def reviewed_case(findings: Findings) -> ReviewedCase | None:
    """Sum up the review of one scan; small marks count as others do, though the window may hide them.

    Returns
    -------
    ReviewedCase or None
        None where nobody has said that it is read, no network has looked, or marks of earlier weights are among the others.
    """
    versions = {str(m.get("name", "")): str(m.get("version", "")) for m in findings.models}
    marks = [f for f in findings if f.provenance.model and f.network_score is not None]
    if not findings.done_by or not weights_of(findings.models):
        return None
    if any(versions.get(f.provenance.model) != f.provenance.version for f in marks):
        return None
    true = [f for f in marks if f.status == "accepted" or (f.provenance.person and f.status != "rejected")]
    known = {f.id for f in true}
    false = [f for f in marks if f.id not in known]
    return ReviewedCase(
        tuple(sorted((f.score for f in false), reverse=True)),
        tuple(sorted((f.score for f in true), reverse=True)),
    )
