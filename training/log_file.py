"""The log: tracebacks of what went wrong, in a file for whoever looks for the cause. People are told sentences instead."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from .errors import LungmtlError

NAME = "napari_lungmtl"
"""The logger of the package; those of its modules lie below it."""
LARGEST = 2_000_000
"""Bytes; a log that has grown beyond is begun anew."""


def log_path() -> Path:
    """Where the log is."""
    from platformdirs import user_log_path

    return user_log_path("napari-lungmtl", appauthor=False) / "lungmtl.log"


class _File(logging.FileHandler):
    """Opened with the first entry; where it cannot be written, nobody is troubled with that on top."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            if self.stream is None:
                path = Path(self.baseFilename)
                path.parent.mkdir(parents=True, exist_ok=True)
                if path.is_file() and path.stat().st_size > LARGEST:
                    path.unlink()
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk is no reason for a second traceback."""


class _Terminal(logging.Handler):
    """Standard error as it is at that moment; a refusal that a person is told in a sentence comes without its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        expected = record.exc_info is not None and isinstance(record.exc_info[1], LungmtlError)
        return record.getMessage() if expected else super().format(record)

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError, ValueError):  # closed, or nobody reads it any more
            print(self.format(record), file=sys.stderr)


class _Warnings(logging.Handler):
    """Hands warnings on; errors are told where they are caught."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING:
            self._tell(record.getMessage())


def keep_log(*, terminal: bool, tell: Callable[[str], object] | None = None) -> None:
    """Keep warnings and errors in the file.

    A second call changes the rest only.

    Parameters
    ----------
    terminal
        Show them in the terminal too, with tracebacks of what nobody foresaw.
    tell
        Gets warnings as sentences for a person.
    """
    log = logging.getLogger(NAME)
    if not any(isinstance(handler, _File) for handler in log.handlers):
        log.addHandler(_File(log_path()))
    for handler in [handler for handler in log.handlers if isinstance(handler, (_Terminal, _Warnings))]:
        log.removeHandler(handler)
    if terminal:
        log.addHandler(_Terminal())
    if tell is not None:
        log.addHandler(_Warnings(tell))


def log_error(error: BaseException, subject: object = "") -> None:
    """Note an error that a person is told about, with its traceback and that of its cause."""
    logging.getLogger(NAME).error("%s: %s", subject, error, exc_info=error)
