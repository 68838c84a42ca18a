"""What a reader does to the marks of a session, said as events of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...session.review import is_by_person
from ...session.session import Session
from ...training.errors import LungmtlError
from ...training.findings import Finding, Provenance
from ...training.reader_study.events import What, mark_details
from ...training.reader_study.readings import Reading

_JUDGED = {"accepted": What.ACCEPTED, "rejected": What.REJECTED, "unreviewed": What.UNDECIDED}

Write = Callable[..., object]
"""Takes what happened, and its details by name; raises where that cannot be logged."""


class Recorder:
    """Follows one session, and compares its findings with what was logged last: undo and redo are edits like all others.

    Parameters
    ----------
    write
        Logs an event.
    on_failure
        Gets the sentence where an event could not be logged; what was done is logged with the next event that can be.
    """

    def __init__(self, write: Write, on_failure: Callable[[str], None]) -> None:
        self._write, self._on_failure = write, on_failure
        self._session: Session | None = None
        self._known: dict[str, Finding] = {}

    def follow(self, session: Session | None) -> None:
        """Log what is done in this session from now on; None for nothing."""
        if self._session is not None:
            self._session.events.findings.disconnect(self.catch_up)
        self._session = session
        self._known = {} if session is None else _by_id(session)
        if session is not None:
            session.events.findings.connect(self.catch_up)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Change the session without its being the reader's doing."""
        session = self._session
        self.follow(None)
        try:
            yield
        finally:
            self.follow(session)

    def catch_up(self, _findings: object = None) -> None:
        """Log what differs from what was logged last."""
        if self._session is None:
            return
        now = _by_id(self._session)
        try:
            for id, finding in now.items():
                self._compare(self._known.get(id), finding)
                self._known[id] = finding
            for id in [id for id in self._known if id not in now]:
                if is_by_person(self._known[id]):
                    self._write(What.DELETED, id=id)
                del self._known[id]
        except LungmtlError as error:
            self._on_failure(str(error))

    def _compare(self, before: Finding | None, after: Finding) -> None:
        own, was_own = is_by_person(after), before is not None and is_by_person(before)
        details: dict[str, Any] = mark_details(after)
        if own and not was_own:
            self._write(What.ADDED if before is None else What.MOVED, **details)
        elif was_own and not own:  # moved, and that was undone
            self._write(What.DELETED, id=after.id)
        elif own and before is not None and before.geometry != after.geometry:
            self._write(What.MOVED, **details)
        if after.status != (before.status if before is not None else "unreviewed"):
            self._write(_JUDGED[after.status], **details)


def _by_id(session: Session) -> dict[str, Finding]:
    return {finding.id: finding for finding in session.findings}


def bring_in_line(session: Session, reading: Reading | None, reader: str) -> None:
    """Of a reading that broke off, bring the marks in line with the log, which is written before anything else is."""
    if reading is None or reading.present is None:
        return
    logged = {mark.id: mark for mark in reading.present.marks if mark.id not in reading.suggestions}
    own = {f.id: f for f in session.findings if is_by_person(f)}
    there = {f.id for f in session.findings}
    by = Provenance(person=reader)
    add = [Finding(m.geometry, id=id, provenance=by) for id, m in logged.items() if id not in there]
    gone = [id for id, f in own.items() if id not in logged and f.status != "rejected"]
    gone = [id for id in gone if id not in reading.suggestions]
    if add or gone:
        session.edit(add=add, remove=gone)


def accept_again(session: Session, reading: Reading | None) -> None:
    """Of a reading that broke off after the reveal, accept the networks' marks that the log has as accepted."""
    if reading is None or reading.present is None:
        return
    logged = {mark.id for mark in reading.present.marks} & set(reading.suggestions)
    ids = [
        f.id for f in session.findings if f.id in logged and not is_by_person(f) and f.status != "accepted"
    ]
    if ids:
        session.accept(*ids)
