"""Commands of a person on findings: each is one step of a session's history. No Qt, no napari."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from ..layers.spheres import rows
from ..session.review import moved, reviewer
from ..session.session import Session
from ..training.findings import Box, Finding, Findings, Geometry, Mask, Provenance, Sphere
from ..training.findings.finding import Status
from ..training.findings.history import outlined_by

ASIDE = 0.35
"""Part of its size by which a copy lies beside what it was copied from."""


def lesions(session: Session) -> list[str]:
    """Ids of all that is selected, with the boxes of another network on the same lesions."""
    both = (id for one in session.selection for id in (session.partners.get(one), one))
    return [id for id in dict.fromkeys(both) if id is not None]


def draw(session: Session, geometry: Geometry) -> Finding:
    """Add a person's finding, and select it."""
    finding = Finding(geometry, provenance=Provenance(person=reviewer()))
    session.add(finding)
    return session.findings[finding.id]


def reshape(session: Session, id: str, geometry: Geometry) -> None:
    """Give a finding another place, size or shape; whoever does is its author from then on."""
    if session.findings[id].geometry != geometry:
        session.edit(change=[moved(session.findings[id], geometry)])


def outline(session: Session, asked: Findings, outlined: Findings) -> int:
    """Give spheres the masks that a network drew around them, with what it measured and which weights it has, in one step.

    What was said of the nodules stays: they are where they were. One that is gone or was moved meanwhile is left out.

    Parameters
    ----------
    asked, outlined
        The spheres as networks were given them, and what they made of them, with the same ids; a history that says which
        network drew is heard.

    Returns
    -------
    int
        How many have become masks.
    """
    asked_for = {f.id: f.geometry for f in asked}
    masks = {f.id: f.geometry for f in outlined if isinstance(f.geometry, Mask)}
    change = [
        f.with_(geometry=masks[f.id], provenance=replace(f.provenance, person=reviewer()))
        for f in session.findings
        if f.id in masks and f.geometry == asked_for[f.id]
    ]
    done = {f.id for f in change}
    if change:
        measured = [m for m in outlined.measurements if m.finding in done and not m.person]
        session.edit(
            change=change,
            models=outlined.models,
            notes=outlined.notes,
            measurements=measured,
            outlined_by={f.id: outlined_by(f) or _only_new_model(asked, outlined) for f in outlined},
        )
    return len(change)


def _only_new_model(asked: Findings, outlined: Findings) -> str:
    """The network that came to the findings, with the version of its weights, where histories do not say which one drew."""
    known = {model.get("name") for model in asked.models}
    new = [model for model in outlined.models if model.get("name") not in known]
    if len(new) != 1:
        return "a network"
    return " ".join(str(new[0].get(key, "")) for key in ("name", "version")).strip()


def resized(sphere: Sphere, diameter: float) -> Sphere:
    """A sphere of another diameter (mm), within what can be drawn."""
    return Sphere(sphere.center, rows.within(diameter))


def duplicate(session: Session, axis: int) -> list[str]:
    """Draw the selected findings once more, a little aside along a world axis, and select the copies.

    A copy is the person's: nobody has judged or characterised it.
    """
    copies = [
        Finding(_aside(session.findings[id].geometry, axis), provenance=Provenance(person=reviewer()))
        for id in session.selection
    ]
    if copies:
        session.edit(add=copies)
        session.select_all(f.id for f in copies)
    return [f.id for f in copies]


def judge(session: Session, ids: Iterable[str], status: Status, reason: str = "") -> None:
    """Accept, reject or take back some findings, with a reason, in one step."""
    reason = reason if status == "rejected" else ""
    session.edit(change=[session.findings[id].with_(status=status, reason=reason) for id in ids])


def say(session: Session, ids: Iterable[str], **fields: str | float | None) -> None:
    """Set `note`, `label` or `confidence` of some findings, in one step."""
    session.edit(change=[session.findings[id].with_(**fields) for id in ids])


def judge_all(session: Session) -> tuple[int, int]:
    """Accept what passes the thresholds and reject what does not; of several selected, accept them and reject all others.

    What a person has accepted, rejected or drawn stays as it is, unless it is selected.

    Returns
    -------
    tuple
        How many were accepted, and how many rejected.
    """
    several = len(session.selection) > 1
    chosen = set(lesions(session)) if several else {f.id for f in session.visible}
    open_ = [f for f in session.findings if f.status == "unreviewed" or (several and f.id in chosen)]
    accepted = [f.with_(status="accepted", reason="") for f in open_ if f.id in chosen]
    drawn = {f.id for f in open_ if not f.provenance.model}
    rejected = [f.with_(status="rejected") for f in open_ if f.id not in chosen and f.id not in drawn]
    if accepted or rejected:
        session.edit(change=[*accepted, *rejected])
    return len(accepted), len(rejected)


def _aside(geometry: Geometry, axis: int) -> Geometry:
    """The same shape beside itself; a mask by whole voxels, so that it stays on its grid."""
    axis = min(axis, len(geometry.center) - 1)
    step = ASIDE * geometry.diameter
    if isinstance(geometry, Sphere):
        return Sphere(_shifted(geometry.center, axis, step), geometry.diameter)
    if isinstance(geometry, Box):
        return Box(_shifted(geometry.low, axis, step), _shifted(geometry.high, axis, step))
    voxels = max(1, round(step / geometry.spacing[axis]))
    origin = _shifted(geometry.origin, axis, voxels * geometry.spacing[axis])
    return Mask(geometry.shape, geometry.spacing, origin, geometry.runs)


def _shifted(point: Sequence[float], axis: int, by: float) -> tuple:
    moved_ = np.array(point, float)
    moved_[axis] += by
    return tuple(moved_.tolist())
