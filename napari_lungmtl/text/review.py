"""Who found, moved and judged a finding, in a person's words."""

from __future__ import annotations

from datetime import datetime

from ..training.findings import Change, Finding
from ..training.findings.history import (
    DRAWN,
    FOUND,
    MOVED,
    OUTLINED,
    REPAINTED,
    SHAPED,
    SIZED,
    correction,
    last_by_person,
    moved_by,
    outlined_by,
    shaping,
)
from ..training.findings.measurements.of_nodules import LEFT
from .networks import network
from .numbers import written

SURE = {None: "sure?", 1.0: "certain", 0.75: "probable", 0.5: "possible", 0.25: "unlikely"}
"""Words for the confidence of a person."""
_WORDS = {
    "found": "found at",
    "drawn": "drawn at",
    "place": "moved to",
    "diameter": "resized to Ø",
    "outline": "outlined, now at",
    "axes": "moved off its measured axes,",
    "label": "labelled",
    "confidence": "confidence",
    "note": "noted",
}


def sure(confidence: float | None) -> str:
    """``probable``; a number where none of the words fits."""
    return SURE.get(confidence, "" if confidence is None else f"{confidence:.0%} sure")


def verdict(finding: Finding) -> str:
    """``rejected: vessel``, ``accepted``, ``not reviewed``."""
    if finding.status == "unreviewed":
        return "not reviewed"
    return f"{finding.status}: {finding.reason}" if finding.reason else finding.status


def author(finding: Finding) -> str:
    """``3D-AG 0.1``, ``3D-AG 0.1, moved by ann``, ``drawn by ann``, ``3D-AG 0.1, outlined by nodule masks 0.1``."""
    provenance = finding.provenance
    if provenance.model:
        said = [f"{network(provenance.model)} {provenance.version}".strip()]
    else:
        said = [f"drawn by {provenance.person}" if provenance.person else "drawn by hand"]
    if person := moved_by(finding):
        said.append(f"{correction(finding)} by {person}")
    if by := outlined_by(finding):
        said.append(f"outlined by {_weights(by)}")
    return ", ".join(said)


def signed(finding: Finding) -> str:
    """``Found by 3D-AG 0.1, moved by ann · accepted, ann, 29 Nov 07:40``: whose word it is, and who spoke last."""
    who = author(finding)
    who = f"Found by {who}" if finding.provenance.model else who[0].upper() + who[1:]
    last = last_by_person(finding)
    if last is None:
        return who
    if last.what == DRAWN:
        return f"{who}, {when(last.at)}"
    what = verdict(finding) if last.what in ("status", "reason") else _words(last, finding)
    return f"{who} · {what}, {last.by}, {when(last.at)}"


def story(finding: Finding) -> list[str]:
    """Every value that it was given, by whom and when, the newest first."""
    return [
        f"{when(c.at)}  {_weights(c.by) if c.what == OUTLINED else c.by}: {_words(c, finding)}"
        for c in reversed(finding.history)
    ]


def when(at: str) -> str:
    """``29 Nov 07:40`` of an ISO time; what is none stays as it is."""
    try:
        time = datetime.fromisoformat(at)
    except ValueError:
        return at
    return f"{time.day} {time:%b %H:%M}"


def _weights(by: str) -> str:
    """A network by its name in its paper, with the version of its weights."""
    name, _, version = by.partition(" ")
    return f"{network(name)} {version}".strip()


def _words(change: Change, finding: Finding) -> str:
    if change.what == "status":
        return change.value if change.value != "unreviewed" else "taken back"
    name = _WORDS.get(change.what, change.what)
    if change.what in (SHAPED, REPAINTED):
        name = f"{shaping(finding, change)}, now at"
    if change.what in (DRAWN, FOUND, MOVED, SHAPED, REPAINTED, OUTLINED):
        return f"{name} {place(change.value) or '(nothing)'}"
    unit = " mm" if change.what in (SIZED, LEFT) and finding.kind == "sphere" else ""
    return f"{name} {change.value or '(nothing)'}{unit}"


def place(value: str) -> str:
    """A place as a history keeps it, in the words of the window; what is none stays as it is.

    Examples
    --------
    >>> place("-190.2, 77.0, 72.9; 21.1"), place("-190.2, 77.0, 72.9")
    ('x 72.9  y 77.0  z −190.2, Ø 21.1', 'x 72.9  y 77.0  z −190.2')
    """
    where, _, diameter = value.partition(";")
    numbers = where.split(", ")
    try:
        center = [float(number) for number in numbers]
    except ValueError:
        return value
    if not 2 <= len(center) <= 3:
        return value
    said = "  ".join(f"{name} {written(c, 1)}" for name, c in zip("xyz", reversed(center), strict=False))
    return f"{said}, Ø {diameter.strip()}" if diameter.strip() else said
