"""Who found, moved and judged a finding, in a person's words."""

from __future__ import annotations

from datetime import datetime

from ..training.findings import Change, Finding
from ..training.findings.history import DRAWN, SIZED, correction, last_by_person, moved_by
from .networks import network

SURE = {None: "sure?", 1.0: "certain", 0.75: "probable", 0.5: "possible", 0.25: "unlikely"}
"""Words for the confidence of a person."""
_WORDS = {
    "found": "found at",
    "drawn": "drawn at",
    "place": "moved to",
    "diameter": "resized to Ø",
    "shape": "reshaped, now at",
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
    """``3D-AG 0.1``, ``3D-AG 0.1, moved by ann``, ``drawn by ann``."""
    provenance = finding.provenance
    if not provenance.model:
        return f"drawn by {provenance.person}" if provenance.person else "drawn by hand"
    found = f"{network(provenance.model)} {provenance.version}".strip()
    person = moved_by(finding)
    return f"{found}, {correction(finding)} by {person}" if person else found


def signed(finding: Finding) -> str:
    """``Found by 3D-AG 0.1, moved by ann · accepted, ann, 29 Nov 07:40``: whose word it is, and who spoke last."""
    who = author(finding)
    who = f"Found by {who}" if finding.provenance.model else who.capitalize()
    last = last_by_person(finding)
    if last is None:
        return who
    if last.what == DRAWN:
        return f"{who}, {when(last.at)}"
    what = verdict(finding) if last.what in ("status", "reason") else _words(last, finding)
    return f"{who} · {what}, {last.by}, {when(last.at)}"


def story(finding: Finding) -> list[str]:
    """Every value that it was given, by whom and when, the newest first."""
    return [f"{when(c.at)}  {c.by}: {_words(c, finding)}" for c in reversed(finding.history)]


def when(at: str) -> str:
    """``29 Nov 07:40`` of an ISO time; what is none stays as it is."""
    try:
        time = datetime.fromisoformat(at)
    except ValueError:
        return at
    return f"{time.day} {time:%b %H:%M}"


def _words(change: Change, finding: Finding) -> str:
    if change.what == "status":
        return change.value if change.value != "unreviewed" else "taken back"
    name = _WORDS.get(change.what, change.what)
    unit = " mm" if change.what == SIZED and finding.kind == "sphere" else ""
    return f"{name} {change.value or '(nothing)'}{unit}"
