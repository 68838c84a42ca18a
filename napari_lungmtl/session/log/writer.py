"""Writes the commands on an image's findings into the log beside them, with the findings and under their lock."""

from __future__ import annotations

import os
import socket
import uuid
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...training.error_boundary import sentence
from ...training.findings import Findings
from ...training.findings.formats.json_file import to_document
from ...training.findings.history import now
from ...training.findings.log import shortening
from ...training.findings.log.difference import difference
from ...training.findings.log.file import (
    LogError,
    NewerLogError,
    Tail,
    add_lines,
    log_of,
    replace_lines,
    tail_of,
)
from ...training.findings.log.record import KEPT, OPENED, Record, line_of, new_record_id
from ...training.findings.log.replay import Log
from ...training.log_file import log_error
from ..changes import what_changed
from ..review import reviewer

EVERY = 100
"""Commands after which a whole state is written again, so that later ones are told without many lines."""
MOST_WAITING = 5000
"""Commands that wait for a disk that cannot be written; of more the states in between are lost, never the last one."""
JOINED = "joined what others saved"


@dataclass(frozen=True)
class Entry:
    """A command: what it led from and to, its words (empty: what lies between both says it), who gave it, and when.

    `joins` says that it took in what others did, of whom the log tells as well.
    """

    before: Findings
    after: Findings
    words: str
    who: str
    at: str
    id: str
    joins: bool = False


class LogWriter:
    """Gathers the commands of one window on an image, and adds them to a log.

    `note` and `take` are for the thread that gives commands, `write` for the one that writes.
    """

    def __init__(self) -> None:
        self.window = uuid.uuid4().hex[:12]
        self._waiting: deque[Entry] = deque(maxlen=MOST_WAITING)
        self._foreign: deque[Record] = deque()
        self._path: Path | None = None
        self._tail = Tail()
        self._own: tuple[Record, Findings] | None = None  # the last that this window did
        self._file: Findings | None = None  # what the last line stands for
        self._since_state = 0
        self._failed = False
        self._too_long = 0  # from which size on it is shortened, where that failed before

    def note(self, before: Findings, after: Findings, words: str = "", *, joins: bool = False) -> None:
        """A command has been given."""
        self._waiting.append(Entry(before, after, words, reviewer(), now(), new_record_id(), joins))

    def take(self, records: Iterable[Record]) -> None:
        """Have records of another log of the image written before the next command."""
        self._foreign.extend(records)

    def take_over(self, former: LogWriter) -> None:
        """Go on where another has left off that wrote the same file."""
        self._waiting.extendleft(reversed(former._waiting))
        self._foreign.extendleft(reversed(former._foreign))
        former._waiting.clear()

    def write(self, file: Path, findings: Findings, joined: Findings) -> str:
        """Add what happened to the log of a file that is about to be written; a sentence where that fails for the first time.

        Nothing is raised: findings are saved whether their log can be or not. What could not be added is tried again.

        Parameters
        ----------
        file
            Of the findings; who calls holds its lock.
        findings
            What the window knows.
        joined
            What will be in the file: that with what others have saved.
        """
        path = log_of(file)
        entries = self._entries(findings)
        try:
            self._add(path, entries, findings, joined)
        except Exception as error:  # whatever it is: the findings must be saved
            self._own = None  # whatever is in the file: go on with a whole state
            if self._failed:
                return ""
            self._failed = True
            log_error(error, "log of commands")
            return f"The history cannot be saved in {path}; the findings themselves are. ({sentence(error)})"
        for entry in entries:
            if self._waiting and self._waiting[0] is entry:
                self._waiting.popleft()
        self._failed = False
        self._shorten(path, joined)
        return ""

    def _entries(self, findings: Findings) -> list[Entry]:
        """Those that led to the findings that are written; later ones have their turn with the next."""
        entries = list(self._waiting)
        ends = [n for n, entry in enumerate(entries) if entry.after is findings]
        return entries[: ends[-1] + 1] if ends else entries

    def _add(self, path: Path, entries: list[Entry], findings: Findings, joined: Findings) -> None:
        tail = self._look(path)
        foreign = list(self._foreign)
        records = [*foreign]
        own = self._own
        # What another window did, or what the file was joined of when this one did not know yet.
        beside = (
            tail.last if own is not None and tail.last is not None and tail.last.id != own[0].id else None
        )
        other = foreign[-1] if foreign else beside
        if own is None:
            base = entries[0].before if entries else findings
            first = self._record(tail.last, base, OPENED if self._path != path else KEPT)
            own, self._since_state = (first, base), 0
            records.append(first)
        for entry in (*entries, Entry(findings, findings, "", reviewer(), now(), new_record_id())):
            own = self._step(own, entry, other, records)
        if foreign and own[0].other != foreign[-1].id:
            # What was joined changed nothing here: the last line is what the file holds all the same.
            own = self._made(own[0], KEPT, other, state=to_document(findings)), findings
            records.append(own[0])
        if joined is not findings and joined != self._file:
            made = self._made(own[0], JOINED, beside or other, change=difference(findings, joined))
            records += [made] if made.change else []
        if not records:
            return
        size = add_lines(path, map(line_of, records))
        for _ in foreign:  # more may have come while these were written
            self._foreign.popleft()
        self._path, self._own, self._file = path, own, joined
        self._tail = Tail(size, tail.generation, records[-1])

    def _look(self, path: Path) -> Tail:
        """The end of the file; if it is another file than was written last, or was shortened, a whole state is due."""
        if path == self._path and _size(path) == self._tail.size:
            return self._tail
        try:
            tail = tail_of(path)
        except NewerLogError:
            raise
        except LogError:
            _move_aside(path)
            tail = Tail()
        went_on = (
            path == self._path and tail.size > self._tail.size and tail.generation == self._tail.generation
        )
        if not went_on:
            self._own = None
        return tail

    def _step(
        self, own: tuple[Record, Findings], entry: Entry, other: Record | None, records: list[Record]
    ) -> tuple[Record, Findings]:
        """Add what an entry changed, if it changed anything; the last record of this window, with its state."""
        change = difference(own[1], entry.after)
        if not change:
            return own
        self._since_state += 1
        whole = self._since_state >= EVERY
        if whole:
            self._since_state = 0
        joined = other if entry.joins else None
        record = Record(
            entry.id,
            _after(own[0], joined),
            own[0].id,
            entry.at,
            entry.who,
            socket.gethostname(),
            self.window,
            entry.words or what_changed(own[1], entry.after),
            other=joined.id if joined is not None else "",
            change=change,
            state=to_document(entry.after) if whole else None,
        )
        records.append(record)
        return record, entry.after

    def _record(self, parent: Record | None, state: Findings, label: str) -> Record:
        return self._made(parent, label, state=to_document(state))

    def _made(
        self, parent: Record | None, label: str, other: Record | None = None, **fields: object
    ) -> Record:
        return Record(
            new_record_id(),
            _after(parent, other),
            parent.id if parent is not None else "",
            now(),
            reviewer(),
            socket.gethostname(),
            self.window,
            label,
            other.id if other is not None else "",
            **fields,  # type: ignore[arg-type]
        )

    def _shorten(self, path: Path, findings: Findings) -> None:
        """Make room where the log has grown long: beside a large state it may be longer.

        Where that fails, as on a disk with no room for a second file, the log is whole and grows on for a while.
        """
        if self._tail.size < max(shortening.LIMIT, self._too_long):
            return
        limit = max(shortening.LIMIT, 8 * len(line_of(self._record(None, findings, KEPT))))
        if self._tail.size < limit:
            return
        try:
            records = shortening.shortened(Log.read(path), limit)
            replace_lines(path, records, self._tail.generation + 1)
            self._own, self._tail, self._too_long = None, tail_of(path), 0
        except Exception as error:
            self._too_long = self._tail.size + limit // 4
            log_error(error, "shortening the log of commands")


def _after(*records: Record | None) -> int:
    """The `seq` of what comes from these: greater than any of theirs, or the last common state would not be found."""
    return max((record.seq + 1 for record in records if record is not None), default=0)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1


def _move_aside(path: Path) -> None:
    """Keep what is no log, or is damaged at its head, under another name."""
    number = 0
    while True:
        target = path.with_name(f"{path.name}.broken{number or ''}")
        if not target.exists():
            break
        number += 1
    path.rename(target)
