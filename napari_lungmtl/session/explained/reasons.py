"""Why a mark is shown at a place or not: what the networks' runs say, and what became of it in the session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...training.explain.answer import Answer, Cause, Stage, under_threshold
from ...training.findings import Finding, Mask, Sphere
from ..review import is_by_person
from ..session import Session

HIDDEN = "hidden"
"""Another threshold than that of scores hides the mark."""
REMOVED = "removed"
"""The mark is no longer in the list."""
COVERED = "covered"
"""A finding of a person, or one that a person judged, lies there instead."""
UNITS = {"diameter": "its diameter", "malignancy": "its malignancy"}


def in_session(session: Session, answer: Answer) -> Answer:
    """A run's answer with what thresholds and persons did to its mark."""
    if answer.mark is None:
        return answer
    finding = next((f for f in session.findings if f.geometry == answer.mark), None)
    if finding is None:
        return answer.with_cause(*_gone(session, answer))
    answer = replace(answer, score=finding.score)  # a later network of the chain may have changed it
    if any(f.id == finding.id for f in session.visible):
        return _judged(answer, finding)
    hidden = session.thresholds.hides(finding)
    if hidden == "score":
        return under_threshold(answer, session.thresholds.score)
    words = f"{answer.title} has marked this place, but the mark is hidden: {UNITS[hidden]} is under its threshold."
    return answer.with_cause(Cause(HIDDEN, words), Stage(f"{hidden} threshold", "under it", "", False))


def _gone(session: Session, answer: Answer) -> tuple[Cause, Stage]:
    other = next((f for f in session.findings if holds(f, answer.place.point)), None)
    if other is not None:
        who = (
            "a person drew or moved"
            if is_by_person(other)
            else "of an earlier run, which a person has judged,"
        )
        words = f"{answer.title} has marked this place, but finding {other.number}, {who} lies there and stands for it."
        if is_by_person(other):
            words = (
                f"{answer.title} has marked this place; finding {other.number}, which {who}, stands for it."
            )
        return Cause(COVERED, words), Stage("in the list", f"finding {other.number} instead", "", False)
    words = (
        f"{answer.title} has marked this place, but the mark was taken out of the list, or its run undone."
    )
    return Cause(REMOVED, words), Stage("in the list", "no", "", False)


def _judged(answer: Answer, finding: Finding) -> Answer:
    words = f"finding {finding.number}" + ("" if finding.status == "unreviewed" else f", {finding.status}")
    return replace(answer, stages=(*answer.stages, Stage("in the list", words)))


def holds(finding: Finding, point: Sequence[float]) -> bool:
    """Test whether a world point lies in a finding."""
    geometry = finding.geometry
    if isinstance(geometry, Sphere):
        return (
            len(point) == 3
            and float(np.linalg.norm(np.subtract(geometry.center, point))) < geometry.diameter / 2
        )
    if isinstance(geometry, Mask) and len(geometry.shape) == len(point):
        index = np.rint((np.asarray(point) - geometry.origin) / geometry.spacing).astype(int)
        inside = bool(np.all((index >= 0) & (index < geometry.shape)))
        return inside and bool(geometry.to_array()[tuple(index)])
    box = finding.box
    return box is not None and bool(np.all((np.asarray(point) >= box.low) & (np.asarray(point) <= box.high)))
