"""The sets of findings that there are of an image: who of them stands beside whom."""

from __future__ import annotations

from collections.abc import Mapping

from ..training.findings import Finding, Findings, Provenance
from ..training.findings.truth import Truth
from .session import Session

SHOWN, TRUTH = "findings shown", "truth"


def sets_of(session: Session, truth: Truth | None, files: Mapping[str, Findings]) -> dict[str, Findings]:
    """List the sets of an image by name.

    Parameters
    ----------
    session
        Of the image: what is shown, and where several networks or persons are among it, each of them.
    truth
        As it was loaded: joint, and each reader's.
    files
        Sets that a person opened, by the names of their files.
    """
    seen = {f.id for f in session.visible}
    # Also what is rejected and hidden: a decision holds at every threshold.
    shown = tuple(f for f in session.findings if f.id in seen or f.status == "rejected")
    whose = {f.provenance.label for f in shown if f.status != "rejected"}
    sets = {SHOWN: session.findings.with_items(shown)}
    for name in sorted(whose) if len(whose) > 1 else ():
        sets[name] = session.findings.with_items(tuple(f for f in shown if f.provenance.label == name))
    if truth is not None:
        sets |= {TRUTH: truth.nodules, **truth.readers}
    return sets | dict(files)


def as_mark(finding: Finding) -> Finding:
    """Make of another set's finding one of the session: without a number, and the truth is a person's."""
    who = finding.provenance
    if who.model == TRUTH:
        who = Provenance(person=TRUTH)
    return finding.with_(provenance=who, number=0)
