"""Saving in the background: coalesced, off the GUI thread, never more than a fraction of a second late."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..training.error_boundary import sentence
from ..training.findings import Findings
from ..training.log_file import log_error
from .sidecar import Sidecar

DELAY = 0.2
"""Seconds from a command to its write: commands in between (a dragged point) become one write, and a process
killed a second after a command has lost nothing."""
RETRY = 5.0
"""Seconds until a failed write is tried again: a full disk may have been tidied."""

Write = Callable[[Findings], None]
_leaving: set[Autosaver] = set()
"""Those that still write, and whom nobody waits for."""


def finish_writing(place: Sidecar | None = None, heir: Autosaver | None = None) -> Findings | None:
    """Have on the disk what closed sessions were about to write: before a file is read again.

    What cannot be written is tried again for as long as the process lives. What belongs to `place` is returned, and `heir` writes
    it from then on: two that write one file would overwrite each other.
    """
    for saver in tuple(_leaving):
        if saver.flush():
            saver.close()
        elif (
            heir is not None
            and place is not None
            and saver.place is not None
            and saver.place.path == place.path
        ):
            findings = saver.give_up()
            if findings is not None:
                place.take_over(saver.place)
                heir.request(findings)
                return findings
    return None


class Autosaver:
    """Writes the newest findings that it was given, in a thread of its own.

    It knows neither session nor window. Never two writes at a time.

    Parameters
    ----------
    write
        Gets an immutable value, on the saver's thread (in `flush`, on the caller's), and raises ``OSError``
        where it could not write; the findings are then kept and tried again.
    on_problem
        Gets that error's sentence, once until the next success.
    """

    def __init__(self, write: Write, on_problem: Callable[[str], None]) -> None:
        self._write = write
        self._on_problem = on_problem
        self._failed = False
        self._condition = threading.Condition()
        self._writing = threading.Lock()
        self._pending: Findings | None = None
        self._in_hand: Findings | None = None  # what is being written
        self._due = 0.0
        self._thread: threading.Thread | None = None
        self._closed = self._left = False
        self.place: Sidecar | None = None
        atexit.register(self.close)

    @property
    def pending(self) -> bool:
        """Whether something is not yet on the disk."""
        return self._pending is not None

    def request(self, findings: Findings) -> None:
        """Have `findings` written within `DELAY` seconds; later calls replace them without postponing."""
        with self._condition:
            if self._pending is None or self._pending is self._in_hand:
                self._due = time.monotonic() + DELAY
            self._pending = findings
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._loop, name="lungmtl-autosave", daemon=True)
                self._thread.start()
            self._condition.notify()

    def hurry(self) -> bool:
        """Have the thread write at once; whether everything is on the disk already."""
        with self._condition:
            if self._pending is not None and not self._failed:
                self._due = 0.0
                self._condition.notify()
            return self._pending is None and not self._writing.locked()

    def leave(self, place: Sidecar | None = None) -> None:
        """Write what is left to `place` and end, without anyone waiting; what fails is tried again while the process lives."""
        self.place = place
        _leaving.add(self)
        with self._condition:
            self._left = True
            self._condition.notify()
            if self._thread is None:  # nothing was ever to be written
                self._gone()
        self.hurry()

    def flush(self) -> bool:
        """Write now, on this thread; whether everything is on the disk afterwards."""
        with self._writing:
            with self._condition:
                findings = self._in_hand = self._pending
            if findings is None:
                return True
            try:
                self._write(findings)
            except Exception as error:  # whatever it is: the thread must live, and the findings be kept
                with self._condition:
                    self._in_hand = None
                    self._due = time.monotonic() + RETRY
                if not self._failed:
                    log_error(error, "autosave")
                    self._on_problem(sentence(error) if not isinstance(error, OSError) else str(error))
                self._failed = True
                return False
            with self._condition:  # only now: who is about to end waits until it is written
                self._in_hand = None
                if self._pending is findings:
                    self._pending = None
                self._condition.notify()
            self._failed = False
            return True

    @contextmanager
    def between_writes(self) -> Iterator[None]:
        """Nothing is written while the body runs."""
        with self._writing:
            yield

    def give_up(self) -> Findings | None:
        """End without writing; what was left to write."""
        with self._writing, self._condition:
            findings, self._pending = self._pending, None
        self.close()
        return findings

    def discard(self) -> None:
        """Forget what was not written."""
        with self._condition:
            self._pending = None

    def close(self) -> bool:
        """Write what is left and end the thread; whether everything is on the disk."""
        saved = self.flush()
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=2.0)
        self._gone()
        return saved

    def _gone(self) -> None:
        _leaving.discard(self)
        atexit.unregister(self.close)

    def _loop(self) -> None:
        while True:
            with self._condition:
                while not self._ends() and (self._pending is None or time.monotonic() < self._due):
                    left = None if self._pending is None else max(self._due - time.monotonic(), 0.0)
                    self._condition.wait(left)
                if self._ends():
                    break
            self.flush()
        if self._left:
            self._gone()

    def _ends(self) -> bool:
        return self._closed or (self._left and self._pending is None)
