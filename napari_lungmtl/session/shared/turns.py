"""One at a time reads and writes a file that several windows share, also across a network."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .machine import is_dead, machine_key

WAIT = 5.0
"""Seconds after which a lock that nobody has renewed was left by a process that died."""
BEAT = 1.0
"""Seconds after which whoever still holds a lock renews it."""
_LOOK = 0.02


class Turn:
    """The lock of a file, held."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        self._token = uuid.uuid4().hex
        self._beats = 0
        self._turn = threading.Lock()
        self._timer: threading.Timer | None = None
        self._made = False
        self._said = ""  # all that a full disk took of it

    @property
    def is_ours(self) -> bool:
        """Whether nobody has taken it over meanwhile, as from a machine that slept; true where none could be made."""
        words = _content(self._lock)
        return not self._made or words == self._said or (words or "").startswith(self._token)

    def take(self) -> None:
        """Wait for the lock and make it; where none can be made there is none."""
        seen, until = None, 0.0
        while not self._make():
            now = _content(self._lock)
            if now is not None and (now != seen or not until):
                seen, until = now, time.monotonic() + WAIT
            elif now is not None and (time.monotonic() > until or _is_left(now)):
                self._put_aside()
            time.sleep(_LOOK)
        if self._made:
            self._beat_later()

    def give_back(self) -> None:
        """Let the next one in."""
        with self._turn:
            timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()
            if self._made and self.is_ours:
                with suppress(OSError):
                    self._lock.unlink()
            self._made = False

    def _make(self) -> bool:
        try:
            handle = os.open(self._lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        except FileExistsError:
            return False
        except OSError:  # a folder that cannot be written: the writer will say so
            return True
        try:
            with suppress(OSError):  # a full disk: a lock that says nothing keeps others out as well
                words = self._words()
                self._said = words[: os.write(handle, words.encode())]
        finally:
            os.close(handle)
        self._made = True
        return True

    def _words(self) -> str:
        """Whose it is, and a number that grows: what others read by opening the file comes from the server, unlike its times."""
        return "\n".join(
            (self._token, str(self._beats), str(os.getpid()), machine_key(), socket.gethostname())
        )

    def _put_aside(self) -> None:
        aside = self._lock.with_name(f"{self._lock.name}.{self._token}")
        with suppress(OSError):  # of several that wait one gets it
            self._lock.rename(aside)
            aside.unlink()

    def _beat_later(self) -> None:
        self._timer = threading.Timer(BEAT, self._beat)
        self._timer.daemon = True
        with suppress(RuntimeError):  # Python ends, and begins no thread any more
            self._timer.start()

    def _beat(self) -> None:
        with self._turn:
            if self._timer is None or not self.is_ours:
                return
            self._beats += 1
            with suppress(OSError), self._lock.open("r+", encoding="utf-8") as stream:
                stream.write(self._words())
                self._said = ""
            self._beat_later()


@contextmanager
def turn(path: Path) -> Iterator[Turn]:
    """Hold the lock of a file while the body runs.

    The lock is a file beside it that only one can make, which network folders know too; locks of the system (``flock``) do not
    hold there everywhere. It names host and process, and is renewed as long as it is held. One that was left is taken over: at once
    where its process is known to have ended, else when it has not been renewed for `WAIT` seconds. Where none can be made the body
    runs without.

    Yields
    ------
    Turn
        Whose `is_ours` tells whether it is still held.
    """
    held = Turn(path.with_name(f".{path.name}.lock"))
    held.take()
    try:
        yield held
    finally:
        held.give_back()


def _content(lock: Path) -> str | None:
    with suppress(OSError):
        return lock.read_text("utf-8", "replace")
    with suppress(OSError):  # another person's, who lets nobody read
        return f"? {lock.stat().st_mtime_ns}"
    return None


def _is_left(words: str) -> bool:
    lines = words.split("\n")
    return len(lines) > 3 and lines[2].isdecimal() and is_dead(lines[3], int(lines[2]))
