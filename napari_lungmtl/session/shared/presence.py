"""Who else has an image open: a note beside its findings for each window, kept fresh as long as the window lives."""

from __future__ import annotations

import atexit
import json
import os
import socket
import threading
import uuid
import weakref
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from ..review import reviewer
from .machine import is_dead, machine_key

BEAT = 10.0
"""Seconds from one sign of life to the next."""
STALE = 45.0
"""Seconds without a sign of life after which a window is gone: a killed one keeps nobody out."""


@dataclass(frozen=True)
class Visitor:
    """Somebody who has an image open: whose window, on which machine, in which process, since when (local time, ISO 8601).

    `machine` tells hosts of one name apart; see `machine_key`.
    """

    who: str
    host: str
    process: int
    since: str
    machine: str = ""

    @property
    def words(self) -> str:
        """``by ann on ws3 since 12:04``; ``in another window of this program since 12:04``."""
        time = self.since[11:16] if self.since[:10] == f"{datetime.now():%Y-%m-%d}" else self.since[:16]
        if (self.machine, self.process) == (machine_key(), os.getpid()):
            return f"in another window of this program since {time}"
        here = self.machine == machine_key()
        return f"by {self.who} {'in another program on this machine' if here else f'on {self.host}'} since {time}"


def sentence(others: tuple[Visitor, ...]) -> str:
    """What a person is told of others that have the same image open; empty where there are none."""
    if not others:
        return ""
    by = " and ".join(visitor.words for visitor in others)
    return f"Also open {by}. What either saves joins the other's findings; none are lost."


class Presence:
    """Says that an image is open here, and finds out who else has it open.

    Each window has a note of its own (``.NAME.….open``), so that no two write one file. How old a note is is told by the clock
    of the disk that it lies on, which all see alike. All of it happens on a thread of its own.

    Parameters
    ----------
    file
        The file of the image's findings.
    on_others
        A method that is called with the others whenever they have changed, on that thread; it does not keep its object alive.
    """

    def __init__(self, file: Path, on_others: Callable[[tuple[Visitor, ...]], None]) -> None:
        self._on_others = weakref.WeakMethod(on_others)
        self._file = file
        self._note = file.with_name(f".{file.name}.{uuid.uuid4().hex[:12]}.open")
        self._me = Visitor(
            *(reviewer(), socket.gethostname(), os.getpid(), f"{datetime.now():%Y-%m-%dT%H:%M:%S}"),
            machine=machine_key(),
        )
        self._others: tuple[Visitor, ...] = ()
        self._turn = threading.Lock()
        self._gone = False
        weakref.finalize(self, _remove, self._note).atexit = True
        _HEART.take_up(self)

    def leave(self, *, wait: bool = True) -> None:
        """Take the note away, at once or soon."""
        self._gone = True
        if wait:
            self.beat()
        _HEART.wake()

    def beat(self) -> bool:
        """Renew the note and look round; whether to go on."""
        with self._turn:
            if self._gone:
                _remove(self._note)
                return False
            with suppress(OSError):
                self._renew()
                others = self._look()
                if others != self._others:
                    self._others = others
                    told = self._on_others()
                    if told is not None:
                        told(others)
            return True

    def _renew(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._note.exists():
            os.utime(self._note)
        else:
            self._note.write_text(json.dumps(asdict(self._me)), "utf-8")

    def _look(self) -> tuple[Visitor, ...]:
        """Those whose notes are fresh; old ones are taken away."""
        now = self._note.stat().st_mtime
        start = f".{self._file.name}."
        found = []
        with os.scandir(self._file.parent) as entries:
            names = [e.name for e in entries if e.name.startswith(start) and e.name.endswith(".open")]
        for name in sorted(names):
            note = self._note.with_name(name)
            if note == self._note:
                continue
            with suppress(OSError):
                visitor = _read(note)
                if now - note.stat().st_mtime > STALE or (
                    visitor is not None and is_dead(visitor.machine, visitor.process)
                ):
                    note.unlink()
                elif visitor is not None:
                    found.append(visitor)
        return tuple(found)


class _Heart:
    """The thread that keeps all notes of a process fresh; it runs while there are any."""

    def __init__(self) -> None:
        self._present: weakref.WeakSet[Presence] = weakref.WeakSet()
        self._condition = threading.Condition()
        self._asked = False
        self._thread: threading.Thread | None = None

    def take_up(self, presence: Presence) -> None:
        with self._condition:
            self._present.add(presence)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lungmtl-presence", daemon=True)
                self._thread.start()
        self.wake()

    def wake(self) -> None:
        with self._condition:
            self._asked = True
            self._condition.notify()

    def leave_all(self) -> None:
        for presence in list(self._present):
            presence.leave()

    def _run(self) -> None:
        while True:
            with self._condition:
                if not self._asked:
                    self._condition.wait(BEAT)
                self._asked = False
                present = list(self._present)
                if not present:
                    self._thread = None
                    return
            # Who leaves goes first: an image that is closed and opened again is not open elsewhere.
            for presence in sorted(present, key=lambda one: not one._gone):
                if not presence.beat():
                    self._present.discard(presence)
            del present
            presence = None  # type: ignore[assignment]  # or the thread would keep it until the next beat


_HEART = _Heart()
atexit.register(_HEART.leave_all)


def _read(note: Path) -> Visitor | None:
    """Who wrote a note; None where it is none, or half written."""
    try:
        known = {"machine": "", **json.loads(note.read_text("utf-8", "replace"))}
        values = {field.name: known[field.name] for field in fields(Visitor)}
        return Visitor(
            str(values["who"])[:60],
            str(values["host"])[:60],
            int(values["process"]),
            str(values["since"])[:19],
            str(values["machine"])[:200],
        )
    except (ValueError, TypeError, KeyError):
        return None


def _remove(note: Path) -> None:
    with suppress(OSError):
        note.unlink()
