"""Sensitivity, false marks, time and changes of mind of each reader in each condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from ..comparison.outcomes import Matcher, Outcome, Outcomes
from ..findings.truth import Truth
from ..metrics.intervals.bootstrap import Interval, bootstrap_weights, finite, interval
from ..metrics.mrmc.figures import UNMARKED, MarkedCase
from .events import What
from .plan import Mode
from .readings import Reading, Stand


class Condition(StrEnum):
    """With what a reader had seen when a case was judged: MRMC's modalities."""

    BEFORE = "before reveal"
    AFTER = "after reveal"
    UNAIDED = "unaided"
    AIDED = "aided"


_ALONE = {Mode.AIDED: Condition.AIDED, Mode.UNAIDED: Condition.UNAIDED}


@dataclass(frozen=True)
class Judged:
    """A reader's marks in one case under one condition, beside the truth."""

    reader: str
    condition: Condition
    case: str
    stand: Stand
    outcomes: Outcomes

    @property
    def nodules(self) -> int:
        """How many there are to be found."""
        return len(self.outcomes.nodules)

    @property
    def found(self) -> int:
        """How many were."""
        return self.outcomes.count(Outcome.HIT)

    @property
    def false_marks(self) -> int:
        """Marks on nothing."""
        return self.outcomes.count(Outcome.FALSE_ALARM)

    @property
    def marked(self) -> MarkedCase:
        """The ratings of lesions and false marks."""
        score = {mark.id: mark.score for mark in self.stand.marks}
        best = dict.fromkeys(self.outcomes.nodules, UNMARKED)
        for mark, nodule in self.outcomes.hits.items():
            best[nodule] = max(best[nodule], score[mark])
        false = (score[id] for id, kind in self.outcomes.marks.items() if kind is Outcome.FALSE_ALARM)
        return MarkedCase(tuple(best.values()), tuple(false))


def judge(readings: Iterable[Reading], truths: Mapping[str, Truth]) -> list[Judged]:
    """Match the marks of all finished readings with the truth of their cases; a case without one is left out.

    Parameters
    ----------
    truths
        By hash of the case.
    """
    judged = []
    for reading in readings:
        truth = truths.get(reading.case)
        if reading.after is None or truth is None:
            continue
        matcher = Matcher(truth, flat=len(reading.image.shape) == 2)
        stands = [(_ALONE.get(reading.mode, Condition.AFTER), reading.after)]
        if reading.before is not None:
            stands.insert(0, (Condition.BEFORE, reading.before))
        for condition, stand in stands:
            judged.append(
                Judged(reading.reader, condition, reading.case, stand, matcher.outcomes(stand.marks))
            )
    return judged


@dataclass(frozen=True)
class Row:
    """A reader under one condition; the intervals are by a bootstrap over the cases, the time is the median."""

    reader: str
    condition: Condition
    cases: int
    nodules: int
    found: int
    sensitivity: Interval
    false_marks: Interval
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Convert for JSON."""
        return {
            "reader": self.reader,
            "condition": str(self.condition),
            "cases": self.cases,
            "nodules": self.nodules,
            "found": self.found,
            "sensitivity": self.sensitivity.to_json(),
            "false_marks_per_case": self.false_marks.to_json(),
            "seconds_per_case": finite(self.seconds),
        }


def rows(judged: Sequence[Judged], samples: int = 1000) -> list[Row]:
    """Sum up each reader under each condition, in the order of `Condition`."""
    groups: dict[tuple[str, Condition], list[Judged]] = {}
    for one in judged:
        groups.setdefault((one.reader, one.condition), []).append(one)
    order = list(Condition)
    keys = sorted(groups, key=lambda key: (key[0], order.index(key[1])))
    return [_row(*key, groups[key], samples) for key in keys]


def _row(reader: str, condition: Condition, cases: Sequence[Judged], samples: int) -> Row:
    counts = np.array([[c.nodules, c.found, c.false_marks] for c in cases], float)
    weights = bootstrap_weights([c.case for c in cases], samples)

    def sensitivity(w: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return np.asarray((w @ counts[:, 1]) / (w @ counts[:, 0]))

    def false_marks(w: np.ndarray) -> np.ndarray:
        return np.asarray((w @ counts[:, 2]) / w.sum(-1))

    return Row(
        reader,
        condition,
        len(cases),
        int(counts[:, 0].sum()),
        int(counts[:, 1].sum()),
        interval(sensitivity, weights),
        interval(false_marks, weights),
        float(np.median([c.stand.seconds for c in cases])),
    )


@dataclass(frozen=True)
class ChangesOfMind:
    """What the reveal changed for one reader, over all cases that were read look-first and have a truth.

    Nodules found and lost again, false marks made and taken back are net of each case's matching; the others count what the
    reader did.
    """

    reader: str
    cases: int
    changed_cases: int
    nodules_gained: int
    nodules_lost: int
    false_marks_gained: int
    false_marks_dropped: int
    suggestions: int
    accepted: int
    rejected: int

    def to_json(self) -> dict[str, Any]:
        """Convert for JSON."""
        return dict(vars(self))


def changes_of_mind(readings: Iterable[Reading], judged: Sequence[Judged]) -> list[ChangesOfMind]:
    """Sum up each reader's changes between reveal and end."""
    stands = {(j.reader, j.case, j.condition): j for j in judged}
    groups: dict[str, list[tuple[Reading, Judged, Judged]]] = {}
    for reading in readings:
        before = stands.get((reading.reader, reading.case, Condition.BEFORE))
        after = stands.get((reading.reader, reading.case, Condition.AFTER))
        if reading.mode is Mode.LOOK_FIRST and before is not None and after is not None:
            groups.setdefault(reading.reader, []).append((reading, before, after))
    return [_changes(reader, groups[reader]) for reader in sorted(groups)]


def _changes(reader: str, cases: Sequence[tuple[Reading, Judged, Judged]]) -> ChangesOfMind:
    hit = [
        ({n for n, o in j.outcomes.nodules.items() if o is Outcome.HIT} for j in pair) for _, *pair in cases
    ]
    nodules = [(len(after - before), len(before - after)) for before, after in hit]
    false = [(j.false_marks - i.false_marks) for _, i, j in cases]
    counts = [reading.changes for reading, *_ in cases]
    return ChangesOfMind(
        reader,
        len(cases),
        sum(bool(sum(c.values())) for c in counts),
        sum(gained for gained, _ in nodules),
        sum(lost for _, lost in nodules),
        sum(max(n, 0) for n in false),
        sum(max(-n, 0) for n in false),
        sum(len(reading.suggestions) for reading, *_ in cases),
        sum(c[What.ACCEPTED] for c in counts),
        sum(c[What.REJECTED] for c in counts),
    )
