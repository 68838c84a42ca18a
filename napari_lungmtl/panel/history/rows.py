"""Rows of the history: commands since the image was opened, the state that it was opened with, and what was done before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ...session.changes import words_of
from ...session.log.earlier import Visit
from ...session.session import Session
from ...training.findings import Findings
from ...training.findings.log.record import OPENED, Record

Look = Literal["done", "present", "undone", "left", "before", "head"]
"""How a row stands: it holds, it is what is shown, it can be done again, something else was done instead, it was in another
session, or it is the head of one and leads nowhere."""
AS_OPENED = "as it was opened"
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
        """What hovers over it."""
        return " · ".join(filter(None, (self.at[:19].replace("T", " "), self.who, self.what))) + (
            f"\n{_TIPS[self.look]}" if _TIPS[self.look] else ""
        )


def rows_of(session: Session, earlier: Sequence[Visit] = ()) -> list[Row]:
    """All rows, the latest first."""
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
    rows.append(Row(at, "", AS_OPENED, "present" if present is None else "done", first))
    return rows + [row for visit in earlier for row in _before(visit)]


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
