"""The sets of findings that there are of an image: who of them stands beside whom."""

from __future__ import annotations

from collections.abc import Mapping

from ..training.findings import Finding, Findings, Provenance, Sphere, new_id
from ..training.findings.truth import Truth, sphere_of
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
    shown = tuple(f for f in session.visible if f.status != "rejected")
    whose = {f.provenance.label for f in shown}
    sets = {SHOWN: session.findings.with_items(shown)}
    for name in sorted(whose) if len(whose) > 1 else ():
        sets[name] = session.findings.with_items(tuple(f for f in shown if f.provenance.label == name))
    if truth is not None:
        sets |= {TRUTH: truth.nodules, **truth.readers}
    return sets | dict(files)


def as_mark(finding: Finding, known: frozenset[str] = frozenset()) -> Finding:
    """Make of another set's finding one that the window can draw and edit: in a CT a sphere; its id is new where it is taken."""
    geometry = finding.geometry
    if finding.box is None and not isinstance(geometry, Sphere):
        geometry = sphere_of(finding)
    who = finding.provenance
    if who.model == TRUTH:
        who = Provenance(person=TRUTH)
    return finding.with_(
        geometry=geometry, provenance=who, id=new_id() if finding.id in known else finding.id, number=0
    )
