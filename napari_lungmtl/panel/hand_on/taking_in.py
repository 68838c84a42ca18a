"""Findings of a file taken into a session: what it lacks and what a person changed there, as one step of the history."""

from __future__ import annotations

from dataclasses import dataclass

from ...session.changes import counted
from ...session.session import Session
from ...training.comparison.merge import merged
from ...training.findings import Finding, Findings, Provenance
from ...training.findings.truth import TRUTH


@dataclass(frozen=True)
class TakenIn:
    """How many findings came new, and how many of the session are now as the file has them."""

    added: int
    changed: int

    @property
    def words(self) -> str:
        """``2 findings added, 1 changed``; ``nothing new`` where the session had it all."""
        added = f"{counted(self.added)} added" if self.added else ""
        changed = f"{self.changed} changed" if self.changed else ""
        return ", ".join(filter(None, (added, changed))) or "nothing new"


def take_in(session: Session, findings: Findings) -> TakenIn:
    """Join findings to those of a session, as `merged` does, in one step that undo takes back; the first new one is selected.

    Parameters
    ----------
    session
        Of the image that they lie on.
    findings
        From a file; they keep their ids, and their numbers where these are free.
    """
    known = {f.id: f for f in session.findings}
    both = merged(session.findings, findings)
    taken = {f.number for f in session.findings}
    rejected = [f for f in findings if f.status == "rejected"]  # `merged` adds none that the session lacks
    add = [_as_own(f, taken) for f in (*both, *rejected) if f.id not in known]
    change = [
        f.with_(number=known[f.id].number)
        for f in both
        if f.id in known and f.with_(number=known[f.id].number) != known[f.id]
    ]
    if add or change:
        session.edit(add=add, change=change, models=findings.models)
    if add:
        session.select(add[0].id)
    return TakenIn(len(add), len(change))


def _as_own(finding: Finding, taken: set[int]) -> Finding:
    """A finding with a number that is free, or none yet; the truth is a person's."""
    who = finding.provenance
    number = finding.number if finding.number not in taken else 0
    taken.add(number)
    return finding.with_(
        number=number, provenance=Provenance(person=TRUTH.model) if who.model == TRUTH.model else who
    )
