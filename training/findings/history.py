"""Who gave a finding which value, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from .change import Change
from .finding import Finding, Geometry, Mask, Sphere

_BY_PERSON = ("status", "reason", "confidence", "label", "note")
DRAWN, FOUND, MOVED, SIZED, SHAPED, REPAINTED, OUTLINED, MALIGNANCY = (
    *("drawn", "found", "place", "diameter", "shape", "repaint", "outline"),
    "malignancy",
)
PLACES = (MOVED, SIZED, SHAPED, REPAINTED, OUTLINED)
"""What changes where something is, or its shape."""
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
            (OUTLINED, value, outlined_by) if what in (SHAPED, REPAINTED) else (what, value, by)
            for what, value, by in values
        ]
    new = tuple(Change(what, value, by or person, at) for what, value, by in values)
    return after.with_(history=(*before.history, *new)) if new else after


def found_again(former: Finding, finding: Finding, at: str) -> Finding:
    """A finding that a later run made of a former one: its history goes on with where it is found now.

    Nobody moved it, so no change says that its place was corrected.
    """
    by = finding.provenance.label
    after = recorded(former, finding, by, at)
    new = after.history[len(former.history) :]
    place = [Change(FOUND, describe(finding.geometry), by, at)] if any(c.what in PLACES for c in new) else []
    return finding.with_(history=(*former.history, *place, *(c for c in new if c.what not in PLACES)))


def moved_by(finding: Finding) -> str:
    """The person who moved, resized or reshaped what a network found last; empty where nobody did."""
    if not finding.provenance.model or not finding.provenance.person:
        return ""
    by = [change.by for change in _corrections(finding) if change.what != OUTLINED]
    return by[-1] if by else "" if outlined_by(finding) else finding.provenance.person


def outlined_by(finding: Finding) -> str:
    """The network, with the version of its weights, that drew its present shape around what had been found or drawn; or empty."""
    last = next((c for c in reversed(finding.history) if c.what in PLACES), None)
    return last.by if last is not None and last.what == OUTLINED else ""


def correction(finding: Finding) -> str:
    """What a person did to the place that a network found: ``moved``, ``resized``, ``repainted`` …; empty where nobody did.

    A file without a history does not say: then *outlined* is said of masks, and *moved* of all else.
    """
    if not moved_by(finding):
        return ""
    changes = _corrections(finding)
    done = {change.what for change in changes}
    if finding.kind == "mask" and (not changes or changes[-1].what in (SHAPED, REPAINTED)):
        return shaping(finding, changes[-1]) if changes else "outlined"
    if MOVED in done or not done & {SIZED, SHAPED}:
        return "moved"
    return "resized" if SIZED in done else "reshaped"


def shaping(finding: Finding, change: Change) -> str:
    """What a change of the shape by hand was: ``repainted``, ``outlined`` where a mask came of it, ``reshaped`` of a box.

    Older files call it *shape*, whatever was there before: in a CT the first mask is then taken to have come of a sphere.
    """
    if change.what == REPAINTED:
        return "repainted"
    if finding.kind != "mask":
        return "reshaped"
    earlier = {c.what for c in finding.history[: finding.history.index(change)]}
    is_first = len(finding.center) == 3 and not earlier & {SHAPED, REPAINTED, OUTLINED}
    return "outlined" if is_first else "repainted"


def last_by_person(finding: Finding) -> Change | None:
    """The last change that a person made, of any value; None where there is none."""
    others = (FOUND, OUTLINED, MALIGNANCY)
    return next(
        (c for c in reversed(finding.history) if c.what not in others and not _is_found_again(c, finding)),
        None,
    )


def describe(geometry: Geometry) -> str:
    """Where something is, and how large: ``-181.2, 12.0, 60.5; 8.0``, millimetres (pixels) as z, y, x and diameter."""
    return f"{_place(geometry)}; {geometry.diameter:.1f}"


def _corrections(finding: Finding) -> list[Change]:
    """What persons did to its place and shape, and networks that outlined it."""
    return [c for c in finding.history if c.what in PLACES and not _is_found_again(c, finding)]


def _is_found_again(change: Change, finding: Finding) -> bool:
    """Whether a network's later run shifted it, which older files tell as if somebody had moved it."""
    if change.what not in (MOVED, SIZED, SHAPED, REPAINTED):
        return False
    model = finding.provenance.model
    labels = {c.by for c in finding.history if c.what == FOUND}
    return change.by in labels or (model != "" and f"{change.by} ".startswith(f"{model} "))


def _values(before: Finding, after: Finding) -> Iterator[tuple[str, str, str]]:
    """What is new, its text, and the weights that it is of (empty: a person's)."""
    a, b = before.geometry, after.geometry
    if a != b:
        if type(a) is not type(b) or not isinstance(b, Sphere):
            both = isinstance(a, Mask) and isinstance(b, Mask)
            yield REPAINTED if both else SHAPED, describe(b), ""
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
