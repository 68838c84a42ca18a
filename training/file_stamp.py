"""What tells a file from what is written in its place later: the key under which its content may be kept in memory."""

from __future__ import annotations

from pathlib import Path


def file_stamp(path: Path) -> tuple[int, int, int]:
    """Give the time of the last change in nanoseconds, the size and the number of a file.

    The time alone does not tell: the system's clock for files moves on every few milliseconds, and two files that are written in
    one of its steps bear the same. Whoever writes atomically gives the new file another number.

    Raises
    ------
    OSError
        There is none.
    """
    state = path.stat()
    return state.st_mtime_ns, state.st_size, state.st_ino
