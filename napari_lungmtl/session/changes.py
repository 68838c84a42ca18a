"""What a command did, in a few words, from the findings before and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..training.findings import Finding, Findings, Mask, Measurement, Sphere
from ..training.findings.history import begun, now, recorded
from ..training.findings.measurements.of_nodules import joined
from ..training.findings.models import join_models
from ..training.imaging.radiograph.orientation import AS_STORED
from .log.history import Step
from .review import reviewer

_NAMED = 3
"""Findings that are named by their numbers; more are counted."""


def changed_ids(before: Findings, after: Findings) -> tuple[str, ...]:
    """Ids of the findings that are new or other than before."""
    known = {f.id: f for f in before}
    return tuple(f.id for f in after if known.get(f.id) != f)


def what_changed(before: Findings, after: Findings) -> str:
    """Say what lies between two states: ``rejected 3``, ``drew 7``, ``run: 12 findings``.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> found = lm.Finding(lm.Sphere((0.0, 0.0, 0.0), 5.0), number=3)
    >>> what_changed(lm.Findings([found]), lm.Findings([found.with_(status="rejected")]))
    'rejected 3'
    """
    known, now = {f.id: f for f in before}, {f.id: f for f in after}
    added = [f for f in after if f.id not in known]
    removed = [f for f in before if f.id not in now]
    changed = [(known[f.id], f) for f in after if f.id in known and known[f.id] != f]
    turned = (before.orientation or AS_STORED) != (after.orientation or AS_STORED)
    if turned and before.models == after.models:
        return "turned or inverted the radiograph"
    if added and (removed or before.models != after.models):
        return f"run: {counted(len(after))}"
    if any(f.provenance.model for f in added):
        # A run sorts all by score; what is taken from another set is appended.
        appended = len(before) > 0 and [f.id for f in after] == [f.id for f in (*before, *added)]
        return f"added {_names(added)}" if appended else f"run: {counted(len(after))}"
    if added:
        return f"drew {_names(added)}"
    if removed and before.models == after.models:
        return f"deleted {_names(removed)}"
    if changed:
        return _several(changed) + _off(before.measurements, after.measurements, "its axes")
    if before.measurements != after.measurements and before.models == after.models:
        return _measured(before.measurements, after.measurements)
    if before.regions != after.regions and before.models == after.models:
        return "repainted the lungs"
    if before.done_by != after.done_by and before.models == after.models:
        return "marked the case as done" if after.done_by else "took the case's “done” back"
    return f"run: {counted(len(after))}"


def words_of(step: Step[Findings] | None) -> str:
    """What a step of the history did; nothing where there is none."""
    return (step.words or what_changed(step.before, step.after)) if step is not None else ""


def edited(
    findings: Findings,
    add: Iterable[Finding],
    change: Iterable[Finding],
    remove: Iterable[str],
    outlined_by: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Findings after several edits, each in the history of its finding; see `Session.edit`.

    Raises
    ------
    KeyError
        No finding has that id.
    """
    changed, gone = {f.id: f for f in change}, set(remove)
    if unknown := (set(changed) | gone) - {f.id for f in findings}:
        raise KeyError(", ".join(sorted(unknown)))
    at, person = now(), reviewer()
    kept = (
        recorded(f, changed[f.id], person, at, (outlined_by or {}).get(f.id, "")) if f.id in changed else f
        for f in findings
        if f.id not in gone
    )
    return (*kept, *(begun(f, at) for f in add))


def with_news(
    findings: Findings,
    models: Iterable[Mapping[str, Any]],
    notes: Iterable[str],
    measurements: Iterable[Measurement],
    last: int = 0,
) -> Findings:
    """Findings with what a run says of itself and has measured: see `joined`, also for `last`."""
    return replace(
        findings,
        models=join_models(findings.models, models),
        notes=tuple(dict.fromkeys((*findings.notes, *notes))),
        measurements=joined(findings.measurements, measurements, last),
    )


def _measured(before: Sequence[Measurement], after: Sequence[Measurement]) -> str:
    """``measured 3 (line)``, ``changed measurement 3``, ``deleted measurement 3``."""
    known, now = {m.id: m for m in before}, {m.id: m for m in after}
    added = [m for m in after if m.id not in known]
    removed = [m for m in before if m.id not in now]
    if added:
        return (
            f"measured {added[0].number} ({added[0].kind})" if len(added) == 1 else f"measured {len(added)}"
        )
    if removed:
        return f"deleted {_measurement(removed)}"
    changed = _measurement([m for m in after if m != known[m.id]])
    return f"changed {changed}{_off(before, after, 'its nodule')}"


def _off(before: Sequence[Measurement], after: Sequence[Measurement], what: str) -> str:
    """``, off its axes``, where what a person measured belongs to no finding any more; else empty."""
    of = {m.id: m.finding for m in before}
    return f", off {what}" if any(not m.finding and of.get(m.id) for m in after) else ""


def _measurement(measurements: Sequence[Measurement]) -> str:
    n = len(measurements)
    return f"measurement {measurements[0].number}" if n == 1 else f"{n} measurements"


def _several(changed: Sequence[tuple[Finding, Finding]]) -> str:
    """``rejected 3``; where some were accepted and others rejected at once: ``accepted 3 findings, rejected 9 findings``."""
    groups: dict[str, list[Finding]] = {}
    for before, after in changed:
        groups.setdefault(_edit(before, after), []).append(after)
    judged = {words: groups[words] for words in ("accepted", "rejected") if words in groups}
    if len(judged) < 2:
        return f"{_edit(*changed[0])} {_names([f for _, f in changed])}"
    return ", ".join(f"{words} {counted(len(each))}" for words, each in judged.items())


def _edit(before: Finding, after: Finding) -> str:
    if before.status != after.status:
        return {"accepted": "accepted", "rejected": "rejected"}.get(after.status, "took back")
    if before.geometry != after.geometry:
        if isinstance(before.geometry, Sphere) and isinstance(after.geometry, Mask):
            return "outlined"
        if isinstance(before.geometry, Mask) and isinstance(after.geometry, Mask):
            return "repainted"
        same_place = before.center == after.center and isinstance(after.geometry, Sphere)
        return "resized" if same_place else "moved"
    if before.opinions != after.opinions:
        return "characterised"
    words = {
        "reason": "gave a reason for",
        "confidence": "said how sure of",
        "label": "labelled",
        "note": "noted on",
    }
    return next(
        (said for name, said in words.items() if getattr(before, name) != getattr(after, name)), "changed"
    )


def _names(findings: Sequence[Finding]) -> str:
    numbers = sorted(f.number for f in findings)
    if len(numbers) > _NAMED or not all(numbers):
        return counted(len(numbers))
    return " and ".join(filter(None, (", ".join(map(str, numbers[:-1])), str(numbers[-1]))))


def counted(n: int) -> str:
    """``1 finding``, ``5 findings``."""
    return f"{n} finding" if n == 1 else f"{n} findings"
