"""One at a time reads and writes a file that several windows share, also across a network."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

WAIT = 3.0
"""Seconds after which a lock that nobody has renewed was left by a process that died: no write takes so long."""
_LOOK = 0.02


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """Hold the lock of a file while the body runs.

    The lock is a file beside it that only one can make, which network folders know too. It keeps nobody out for longer than
    `WAIT`; where none can be made the body runs without.
    """
    lock = path.with_name(f".{path.name}.lock")
    mine = _take(lock)
    try:
        yield
    finally:
        if mine:
            with suppress(OSError):
                lock.unlink()


def _take(lock: Path) -> bool:
    seen: tuple[int, int] | None = None
    until = 0.0
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            return True
        except FileExistsError:
            pass
        except OSError:  # a folder that cannot be written: the writer will say so
            return False
        now = _identity(lock)
        if now != seen:
            seen, until = now, time.monotonic() + WAIT
        elif time.monotonic() > until:
            aside = lock.with_name(f"{lock.name}.{uuid.uuid4().hex}")
            with suppress(OSError):  # of several that wait one gets it
                lock.rename(aside)
                aside.unlink()
        time.sleep(_LOOK)


def _identity(lock: Path) -> tuple[int, int] | None:
    with suppress(OSError):
        status = lock.stat()
        return status.st_ino, status.st_mtime_ns
    return None
