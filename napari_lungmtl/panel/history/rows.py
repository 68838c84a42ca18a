"""Rows of the history: commands since the image was opened, the state that it was opened with, and what was done before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Literal

from ...session.changes import words_of
from ...session.log.earlier import Visit
from ...session.log.history import MAX_STEPS
from ...session.session import WENT_BACK, Session
from ...training.findings import Findings
from ...training.findings.log.record import OPENED, Record

Look = Literal["done", "present", "undone", "left", "before", "head"]
"""How a row stands: it holds, it is what is shown, it can be done again, something else was done instead, it was in another
session, or it is the head of one and leads nowhere."""
AS_OPENED = "as it was opened"
LONGEST = 400
"""Characters of a row that hover over it: a log of others may hold anything."""
_TIPS: dict[Look, str] = {
    "present": "This is what is shown.",
    "done": "Click to go back to what was shown then; undo brings the present state back.",
    "undone": "Taken back. Click to go there.",
    "left": "Something else was done instead. Click to go there all the same.",
    "before": "Click to bring back what was shown then; undo brings the present state back.",
    "head": "",
}


@dataclass(frozen=True)
class Row:
    """One line: when, who, what; and where a click leads, a state of this session or a record of the log."""

    at: str
    who: str
    what: str
    look: Look
    target: Findings | Record | None = field(default=None, repr=False)

    @property
    def time(self) -> str:
        """``12:04``; of a session's head all that it says."""
        return self.what if self.look == "head" else self.at[11:16]

    @property
    def tip(self) -> str:
        """What hovers over it; names and words of others are no markup, which Qt would make of them."""
        words = " · ".join(filter(None, (self.at[:19].replace("T", " "), self.who, self.what)))
        return "<br>".join(
            f"<span>{escape(line)}</span>" for line in (words[:LONGEST], _TIPS[self.look]) if line
        )

    @property
    def goes_to(self) -> str:
        """What the step is called that goes there: of a row that went somewhere itself, where that was."""
        there = self.what.removeprefix(WENT_BACK)
        if self.look != "before":
            return f"{self.at[11:16]}, {self.what}" if there == self.what else there
        what = self.what if there == self.what else there.partition(", ")[2]
        return f"{self.at[11:16]} on {day(self.at)}, {what}"


def rows_of(session: Session, earlier: Sequence[Row] = ()) -> list[Row]:
    """All rows, the latest first; `earlier` are those of former sessions, which are many and stay what they are."""
    steps, standings = session.steps, session.standings
    done = [step for step in steps if standings[step.key] == "done"]
    present = done[-1].key if done else None
    rows = [
        Row(
            step.at,
            step.who,
            words_of(step),
            "present" if step.key is present else standings[step.key],
            step.after,
        )
        for step in reversed(steps)
    ]
    first = steps[0].before if steps else session.findings
    at = steps[0].at if steps else ""
    what = AS_OPENED if len(steps) < MAX_STEPS else f"before the last {MAX_STEPS} commands"
    rows.append(Row(at, "", what, "present" if present is None else "done", first))
    return rows + list(earlier)


def rows_before(visits: Iterable[Visit]) -> list[Row]:
    """Rows of what was done before the image was opened here, each session below its head."""
    return [row for visit in visits for row in _before(visit)]


def _before(visit: Visit) -> list[Row]:
    where = f" on {visit.machine}" if visit.machine else ""
    head = Row(visit.began, "", f"{day(visit.began)}, {visit.began[11:16]} · {visit.who}{where}", "head")
    rows = [Row(r.at, r.who, AS_OPENED if r.label == OPENED else r.label, "before", r) for r in visit.records]
    return [head, *reversed(rows)]


def day(at: str) -> str:
    """``29 Nov``, with the year where it is another one."""
    try:
        when = datetime.fromisoformat(at)
    except ValueError:
        return at[:10]
    return f"{when.day} {when:%b}" + (f" {when.year}" if when.year != datetime.now().year else "")
