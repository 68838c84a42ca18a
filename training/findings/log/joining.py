"""What two people did to one image's findings, made one: three-way from where they parted, and what is in dispute kept twice.

Findings are known by their ids; where both ran the same network by themselves, by what it found. Of one finding place, verdict,
confidence, label and note are joined each for itself.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..change import Change
from ..finding import Finding, Findings
from ..formats.json_file import finding_document
from ..formats.json_parts.measurements import measurement_document
from ..history import FOUND, PLACES, instant
from ..measurements.measurement import Measurement
from ..measurements.measurement import numbered as measurements_numbered
from ..measurements.of_nodules import in_place
from ..models import join_models

_GROUPS = (
    (
        "place",
        *("geometry", "score", "scores", "malignancy", "malignancy_spread", "attributes", "opinions"),
        *("members", "provenance"),
    ),
    ("verdict", "status", "reason"),
    ("confidence", "confidence"),
    ("label", "label"),
    ("note", "note"),
)
"""What people decide together of a finding: a name, and its fields."""
_UNREVIEWED = {"status": "unreviewed", "reason": "", "confidence": None, "label": "", "note": ""}


@dataclass(frozen=True)
class Conflict:
    """What both changed in different ways: the finding that keeps its id and number, and the other, which stands beside it.

    `of` names what they differ in; where one took the finding out, it is ``"deleted"``, and there is no other.
    """

    of: tuple[str, ...]
    stays: Finding
    ours_stays: bool
    other: Finding | None = None


@dataclass(frozen=True)
class Joined:
    """Findings of both; what is in dispute; how many findings and measurements are new, changed and gone for us.

    `sentences` tell of the rest that both changed, of which ours stayed.
    """

    findings: Findings
    conflicts: tuple[Conflict, ...] = ()
    added: int = 0
    changed: int = 0
    removed: int = 0
    sentences: tuple[str, ...] = field(default=())


def join(base: Findings | None, ours: Findings, theirs: Findings) -> Joined:
    """Join what others made of an image's findings to ours.

    Parameters
    ----------
    base
        The last state that both came from; None where nobody knows: then the histories of the findings tell, and nothing counts
        as taken out.
    ours, theirs
        The two states.
    """
    theirs = _as_ours(base if base is not None else Findings(), ours, theirs)
    items, conflicts = _items(base, ours, theirs)
    lines, disputed = _measurements(base, ours, theirs)
    plain, said = _plain(base, ours, theirs)
    before = {f.id: f for f in ours}
    after = _numbered(items)
    beside = {c.other.id: c for c in conflicts if c.other is not None}
    now = {f.id: f for f in after}
    findings = replace(
        ours,
        items=after,
        measurements=measurements_numbered(tuple(in_place(lines, theirs, after))),
        models=join_models(theirs.models, ours.models),
        notes=tuple(dict.fromkeys((*ours.notes, *theirs.notes))),
        **plain,
    )
    known = {m.id for m in ours.measurements}
    return Joined(
        findings,
        tuple(
            replace(c, stays=now[c.stays.id], other=now[c.other.id] if c.other is not None else None)
            for c in conflicts
        ),
        added=sum(f.id not in before and f.id not in beside for f in after)
        + sum(m.id not in known for m in findings.measurements),
        changed=sum(f.id in before and before[f.id] != f for f in after),
        removed=sum(id not in now for id in before) + len(known - {m.id for m in findings.measurements}),
        sentences=(*disputed, *said),
    )


# ---- findings


def _items(base: Findings | None, ours: Findings, theirs: Findings) -> tuple[list[Finding], list[Conflict]]:
    known = {f.id: f for f in base} if base is not None else {}
    there = {f.id: f for f in theirs}
    here = {f.id for f in ours}
    items: list[Finding] = []
    beside: list[Finding] = []
    conflicts: list[Conflict] = []
    for mine in ours:
        was, other = known.get(mine.id), there.get(mine.id)
        if other is None:
            if was is None or not _alike(was, mine):
                items.append(mine)
                if was is not None:
                    conflicts.append(Conflict(("deleted",), mine, True))
            continue
        one, conflict = _finding(was if was is not None else _parted(mine, other), mine, other)
        items.append(one)
        if (
            conflict is not None
            and conflict.other is not None
            and not {conflict.other.id} & (here | there.keys())
        ):
            conflicts.append(conflict)
            beside.append(conflict.other)  # else one of both has it beside already: joined once is joined
    for id, other in there.items():
        if id in here:
            continue
        was = known.get(id)
        if was is None or not _alike(was, other):
            items.append(other.with_(number=0) if other.number in {f.number for f in items} else other)
            if was is not None:
                conflicts.append(Conflict(("deleted",), items[-1], False))
    return [*items, *beside], conflicts


def _finding(base: Finding | None, ours: Finding, theirs: Finding) -> tuple[Finding, Conflict | None]:
    """One finding of both, in what they differ in that of whom spoke last; and the other's, which stands beside it then."""
    later = _last(theirs) > _last(ours)
    values: dict[str, Any] = {}
    disputed = []
    for name, *fields_ in _GROUPS:
        mine, other = (tuple(getattr(f, each) for each in fields_) for f in (ours, theirs))
        was = None if base is None else tuple(getattr(base, each) for each in fields_)
        if mine == other or other == was:
            continue
        if mine != was:
            disputed.append(name)
        if mine == was or later:
            values |= dict(zip(fields_, other, strict=True))
    stays = ours.with_(**values, history=_both(ours.history, theirs.history))
    if not disputed:
        return stays, None
    beside = _beside(ours if later else theirs)
    return stays, Conflict(tuple(disputed), stays, not later, beside)


def _beside(finding: Finding) -> Finding:
    """What lost, under an id that whoever joins the same two gives it too."""
    bare = finding.with_(number=0, tracking_uid="")
    return bare.with_(id=_digest(finding_document(bare)))


def _digest(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(text, digest_size=6).hexdigest()


def _parted(ours: Finding, theirs: Finding) -> Finding | None:
    """What two states of a finding came from, as far as their histories tell; None where they do not."""
    if ours == theirs or theirs.history[: len(ours.history)] == ours.history:
        return ours
    if ours.history[: len(theirs.history)] == theirs.history:
        return theirs
    unmoved = next((f for f in (ours, theirs) if not _is_moved(f)), None)
    if unmoved is None or not _found(ours) or _found(ours) != _found(theirs):
        return None
    return unmoved.with_(**_UNREVIEWED)  # as the network found it


def _as_ours(base: Findings, ours: Findings, theirs: Findings) -> Findings:
    """Theirs by our ids: what the same network found at the same place since has ours, and so has what was measured of it."""
    ids = _our_ids({f.id for f in base}, {f.id: f for f in ours}, {f.id: f for f in theirs})
    items: dict[str, Finding] = {}
    for finding in theirs:
        items.setdefault(ids[finding.id], finding.with_(id=ids[finding.id]))
    measurements = (m.with_(finding=ids.get(m.finding, m.finding)) for m in theirs.measurements)
    return replace(theirs, items=tuple(items.values()), measurements=tuple(measurements))


def _our_ids(
    base: Collection[str], ours: Mapping[str, Finding], theirs: Mapping[str, Finding]
) -> dict[str, str]:
    free = {_found(f): id for id, f in ours.items() if id not in theirs and _found(f)}
    drawn = {id: f.with_(id="", number=0) for id, f in ours.items() if id not in theirs}
    ids = {}
    for id, finding in theirs.items():
        own = free.pop(_found(finding), None) if id not in ours and id not in base else id
        if own is None:  # it may be the very same, under another id
            bare = finding.with_(id="", number=0)
            own = next((key for key, each in drawn.items() if each == bare), id)
        ids[id] = own
    return ids


def _found(finding: Finding) -> tuple[str, str] | None:
    """Where which weights found it at first; None for what a person drew."""
    first = finding.history[0] if finding.history else None
    return (first.value, first.by) if first is not None and first.what == FOUND else None


def _is_moved(finding: Finding) -> bool:
    elsewhere = (c.what == FOUND for c in finding.history[1:])  # by a later run
    return any(c.what in PLACES for c in finding.history) or any(elsewhere)


def _last(finding: Finding) -> float:
    return max((instant(c.at) for c in finding.history), default=0.0)


def _both(ours: tuple[Change, ...], theirs: tuple[Change, ...]) -> tuple[Change, ...]:
    """Two histories as one: what both begin with, then by time, each in its own order, as clocks may go back."""
    pairs = enumerate(zip(ours, theirs, strict=False))
    n = next((n for n, (mine, other) in pairs if mine != other), min(len(ours), len(theirs)))
    since = heapq.merge(ours[n:], theirs[n:], key=lambda change: instant(change.at))
    return *ours[:n], *dict.fromkeys(since)


def _alike(one: Finding, other: Finding) -> bool:
    """Whether two states are the same but for the number, which another finding may have taken."""
    return one.with_(number=0) == other.with_(number=0)


def _numbered(items: list[Finding]) -> tuple[Finding, ...]:
    last = max((f.number for f in items), default=0)
    result = []
    for finding in items:
        if not finding.number:
            last += 1
            finding = finding.with_(number=last)
        result.append(finding)
    return tuple(result)


# ---- the rest


def _measurements(
    base: Findings | None, ours: Findings, theirs: Findings
) -> tuple[list[Measurement], list[str]]:
    known = {m.id: m for m in base.measurements} if base is not None else {}
    there = {m.id: m for m in theirs.measurements}
    here = {m.id for m in ours.measurements}
    lines: list[Measurement] = []
    said = []
    for mine in ours.measurements:
        was, other = known.get(mine.id), there.get(mine.id)
        if other is None:
            if was is None or mine != was:
                lines.append(mine)
            continue
        lines.append(other if mine == was else mine)
        beside = other.with_(id=_digest(measurement_document(other.with_(number=0))), number=0)
        if mine != was and other not in (was, mine) and not {beside.id} & (here | there.keys()):
            lines.append(beside)
            said.append(f"Measurement {mine.number} was changed by both: both are kept.")
    taken = {m.number for m in ours.measurements}
    own = [m.with_(id="", number=0) for m in ours.measurements]
    news = (
        m
        for m in there.values()
        if m.id not in here and known.get(m.id) != m and m.with_(id="", number=0) not in own
    )
    return [*lines, *(m.with_(number=0) if m.number in taken else m for m in news)], said


def _plain(base: Findings | None, ours: Findings, theirs: Findings) -> tuple[dict[str, Any], list[str]]:
    """What an image has once: theirs where only they changed it, ours where both did, which is said."""
    since = base if base is not None else Findings()
    values: dict[str, Any] = {}
    said = []
    for name, words in (
        ("orientation", "how the radiograph is turned"),
        ("done_by", "who has read it"),
        ("image_scores", "what networks say of the image as a whole"),
    ):
        mine, other, was = (getattr(each, name) for each in (ours, theirs, since))
        values[name] = other if mine == was else mine
        if other not in (mine, was) and mine != was:
            said.append(f"Both changed {words}: yours stays.")
    before = {r.name: r for r in since.regions}
    regions = {r.name: r for r in ours.regions}
    for region in theirs.regions:
        was, mine = before.get(region.name), regions.get(region.name)
        if mine == was and region != was:
            regions[region.name] = region
        elif region not in (mine, was):
            said.append(f"Both outlined the {region.name}: yours stays, theirs is in the history.")
    values["regions"] = tuple(regions.values())
    return values, said
