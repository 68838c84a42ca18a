"""Who gave a finding which value, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from .change import Change
from .finding import Finding, Geometry, Sphere

_BY_PERSON = ("status", "reason", "confidence", "label", "note")
DRAWN, FOUND, MOVED, SIZED, SHAPED, OUTLINED, MALIGNANCY = (
    *("drawn", "found", "place", "diameter", "shape", "outline"),
    "malignancy",
)
_TOLERANCE = 1e-3
"""Millimetres; less is rounding, not a move."""


def now() -> str:
    """The present time as `Change.at` has it."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def instant(at: str) -> float:
    """Seconds since 1970 of such a time, so that those of several time zones can be compared; 0 where it is none."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def begun(finding: Finding, at: str) -> Finding:
    """A finding whose history begins with who found or drew it; what has a history keeps it."""
    if finding.history:
        return finding
    by_network = bool(finding.provenance.model)
    label = (
        replace(finding.provenance, person="").label if by_network else finding.provenance.person or "person"
    )
    first = Change(FOUND if by_network else DRAWN, describe(finding.geometry), label, at)
    judged = (Change(MALIGNANCY, value, by, at) for value, by in _judged(finding))
    return finding.with_(history=(first, *judged))


def recorded(before: Finding, after: Finding, person: str, at: str, outlined_by: str = "") -> Finding:
    """A changed finding with all that has changed added to its history.

    Parameters
    ----------
    before, after
        The finding, and what is now in its place.
    person
        Who changed what networks do not give.
    at
        When: see `Change.at`.
    outlined_by
        The network, with the version of its weights, that drew the new shape; empty where a person did.
    """
    values = list(_values(before, after))
    if outlined_by:
        values = [
            (OUTLINED, value, outlined_by) if what == SHAPED else (what, value, by)
            for what, value, by in values
        ]
    new = tuple(Change(what, value, by or person, at) for what, value, by in values)
    return after.with_(history=(*before.history, *new)) if new else after


def moved_by(finding: Finding) -> str:
    """The person who moved, resized or reshaped what a network found last; empty where nobody did."""
    if not finding.provenance.model or not finding.provenance.person:
        return ""
    by = [change.by for change in finding.history if change.what in (MOVED, SIZED, SHAPED)]
    return by[-1] if by else "" if outlined_by(finding) else finding.provenance.person


def outlined_by(finding: Finding) -> str:
    """The network, with the version of its weights, that drew its present shape around what had been found or drawn; or empty."""
    last = next((c for c in reversed(finding.history) if c.what in (MOVED, SIZED, SHAPED, OUTLINED)), None)
    return last.by if last is not None and last.what == OUTLINED else ""


def correction(finding: Finding) -> str:
    """What a person did to the place that a network found: ``moved``, ``resized``, ``repainted`` …; empty where nobody did.

    A file without a history does not say, and *moved* is said of all of them.
    """
    if not moved_by(finding):
        return ""
    shapes = [change for change in finding.history if change.what in (MOVED, SIZED, SHAPED, OUTLINED)]
    done = {change.what for change in shapes}
    if finding.kind == "mask" and shapes and shapes[-1].what == SHAPED:
        return shaping(finding, shapes[-1])
    if MOVED in done or not done & {SIZED, SHAPED}:
        return "moved"
    return "resized" if SIZED in done else "reshaped"


def shaping(finding: Finding, change: Change) -> str:
    """What a change of the shape by hand was: ``repainted``, ``outlined`` where a mask came of it, ``reshaped`` of a box."""
    if finding.kind != "mask":
        return "reshaped"
    earlier = {c.what for c in finding.history[: finding.history.index(change)]}
    is_first = len(finding.center) == 3 and not earlier & {SHAPED, OUTLINED}
    return "outlined" if is_first else "repainted"  # in a CT it was a sphere before


def last_by_person(finding: Finding) -> Change | None:
    """The last change that a person made, of any value; None where there is none."""
    return next((c for c in reversed(finding.history) if c.what not in (FOUND, OUTLINED, MALIGNANCY)), None)


def describe(geometry: Geometry) -> str:
    """Where something is, and how large: ``-181.2, 12.0, 60.5; 8.0``, millimetres (pixels) as z, y, x and diameter."""
    return f"{_place(geometry)}; {geometry.diameter:.1f}"


def _values(before: Finding, after: Finding) -> Iterator[tuple[str, str, str]]:
    """What is new, its text, and the weights that it is of (empty: a person's)."""
    a, b = before.geometry, after.geometry
    if a != b:
        if type(a) is not type(b) or not isinstance(b, Sphere):
            yield SHAPED, describe(b), ""
        else:
            if max(abs(p - q) for p, q in zip(a.center, b.center, strict=True)) > _TOLERANCE:
                yield MOVED, _place(b), ""
            if abs(a.diameter - b.diameter) > _TOLERANCE:
                yield SIZED, f"{b.diameter:.1f}", ""
    for name in _BY_PERSON:
        if getattr(before, name) != getattr(after, name):
            value = getattr(after, name)
            yield name, "" if value is None else str(value), ""
    if before.opinions != after.opinions:
        yield from ((MALIGNANCY, value, by) for value, by in _judged(after))


def _judged(finding: Finding) -> Iterator[tuple[str, str]]:
    """The malignancy and the weights that it is of, where networks characterised it."""
    if finding.opinions and finding.malignancy is not None:
        yield (
            f"{finding.malignancy:.2f}",
            ", ".join(f"{o.model} {o.version}".strip() for o in finding.opinions),
        )


def _place(geometry: Geometry) -> str:
    return ", ".join(f"{c:.1f}" for c in geometry.center)
