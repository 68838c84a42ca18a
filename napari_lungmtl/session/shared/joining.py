"""What two people, or two windows, did to one image's findings, made one: by ids, and nothing of either is lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from ...training.findings import Finding, Findings, Measurement
from ...training.findings.measurements.measurement import numbered as measurements_numbered
from ...training.findings.models import join_models
from ..same_findings import numbered

Marks = TypeVar("Marks", Finding, Measurement)


@dataclass(frozen=True)
class Joined:
    """Findings of both; `doubly` names by id what was changed by both, and of which ours stayed; `news` counts theirs."""

    findings: Findings
    doubly: tuple[str, ...] = ()
    news: int = 0


@dataclass(frozen=True)
class Change:
    """What lies between two states of an image's findings, to be done to a third one.

    Parameters
    ----------
    before, after
        What was known of the file, and what others have made of it since.
    """

    before: Findings = field(default_factory=Findings)
    after: Findings = field(default_factory=Findings)

    def __bool__(self) -> bool:
        """Whether there is a difference."""
        return self.before is not self.after and self.before != self.after

    @cached_property
    def _differ(self) -> tuple[set[str], set[str]]:
        """Ids of the findings and measurements that are not the same: it is done to a thousand states of a history."""
        before, after = self.before, self.after
        return _differing(before.items, after.items), _differing(before.measurements, after.measurements)

    def of(self, ours: Findings) -> Joined:
        """Do the change to `ours`: what they left alone stays, what we left alone becomes theirs.

        What was taken out on one side and changed on the other stays. Of what both changed in different ways ours stays.
        """
        if not self:
            return Joined(ours)
        before, after = self.before, self.after
        items, doubly, news = _joined(before.items, ours.items, after.items, self._differ[0])
        lines, more_doubly, more_news = _joined(
            before.measurements, ours.measurements, after.measurements, self._differ[1]
        )
        plain: dict[str, Any] = {
            name: getattr(after if getattr(ours, name) == getattr(before, name) else ours, name)
            for name in ("orientation", "done_by", "image_scores")
        }
        known = {region.name: region for region in before.regions}
        theirs = {r.name: r for r in after.regions if known.get(r.name) != r}
        regions = {r.name: r for r in ours.regions}
        regions |= {n: r for n, r in theirs.items() if regions.get(n) == known.get(n)}
        findings = replace(
            ours,
            items=tuple(items),
            measurements=measurements_numbered(tuple(lines)),
            regions=tuple(regions.values()),
            models=join_models(after.models, ours.models),
            notes=tuple(dict.fromkeys((*ours.notes, *after.notes))),
            **plain,
        )
        return Joined(numbered(findings), (*doubly, *more_doubly), news + more_news)


def each_once(change: Callable[[Findings], Findings]) -> Callable[[Findings], Findings]:
    """The same, done once to each state: what was one state before is one afterwards, and known by identity."""
    known: dict[int, tuple[Findings, Findings]] = {}  # with the state itself, or another might get its id

    def once(state: Findings) -> Findings:
        if id(state) not in known:
            known[id(state)] = state, change(state)
        return known[id(state)][1]

    return once


def _joined(
    before: tuple[Marks, ...], ours: tuple[Marks, ...], after: tuple[Marks, ...], differ: Collection[str]
) -> tuple[list[Marks], list[str], int]:
    """All of both; ids that were changed twice; how many of theirs are new to us."""
    known, here, there = _by_id(before), _by_id(ours), _by_id(after)
    result: list[Marks] = []
    doubly: list[str] = []
    news = 0
    for mark in ours:
        if mark.id not in differ:
            result.append(mark)
            continue
        was, now = known.get(mark.id), there.get(mark.id)
        if now is None:
            if _alike(was, mark):  # they took out what we left alone
                news += 1
                continue
        elif mark == was and now != mark:
            news += 1
            mark = now
        elif not _alike(now, was) and not _alike(now, mark):
            doubly.append(mark.id)
        result.append(mark)
    numbers = {mark.number for mark in result}
    own = [_bare(mark) for mark in ours if mark.id not in known]
    for mark in after:
        if mark.id not in differ or mark.id in here or _alike(known.get(mark.id), mark):
            continue
        if _bare(mark) in own:  # both had the same run
            continue
        news += 1
        result.append(mark.with_(number=0) if mark.number in numbers else mark)
    return result, doubly, news


def _differing(before: tuple[Marks, ...], after: tuple[Marks, ...]) -> set[str]:
    known, there = _by_id(before), _by_id(after)
    return {id for id in known.keys() | there.keys() if known.get(id) != there.get(id)}


def _by_id(marks: tuple[Marks, ...]) -> Mapping[str, Marks]:
    return {mark.id: mark for mark in marks}


def _alike(one: Marks | None, other: Marks | None) -> bool:
    """Whether two states of a mark are the same but for the number, which another mark may have taken in another window."""
    return one is not None and other is not None and one.with_(number=0) == other.with_(number=0)


def _bare(mark: Marks) -> Marks:
    """What it is, whatever it is called."""
    return mark.with_(id="", number=0)
