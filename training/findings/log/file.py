"""The file of a log: ``NAME.lungmtl.log.jsonl`` beside ``NAME.lungmtl.json``; lines are only ever added at its end.

What was torn at the end (the process was killed, the disk was full) is passed over when it is read, and cut off when a line is
added. Who adds lines holds the lock of the findings' file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..formats.atomic import write_atomically
from ..formats.errors import FindingsFileError
from .record import FORMAT, VERSION, Document, Record, header_line, line_of, record_of, values_of

LOG_SUFFIX = ".lungmtl.log.jsonl"
_BLOCK = 1 << 16


class LogError(FindingsFileError):
    """A log cannot be used; the message says why."""


class NewerLogError(LogError):
    """A log comes from a newer version of the program."""


@dataclass(frozen=True)
class Tail:
    """What who adds lines must know of a file: how long it is, how often it was shortened, and its last record."""

    size: int = 0
    generation: int = 0
    last: Record | None = None


def log_of(path: Path) -> Path:
    """The log beside a file of findings."""
    return path.with_name(path.name.removesuffix(".json").removesuffix(".lungmtl") + LOG_SUFFIX)


def read_records(path: Path) -> tuple[list[Record], int]:
    """The records of a log in the order of the file, and how many lines could not be read.

    Raises
    ------
    LogError
        There is no such file, it is none, or it was written by a newer version.
    """
    try:
        with path.open("rb") as stream:
            header = stream.readline()
            if not header.endswith(b"\n"):
                return [], 1 if header else 0
            _generation(path, header)
            records, torn = [], 0
            for line in stream:
                record = _record(line) if line.endswith(b"\n") else None
                if record is None:
                    torn += 1
                else:
                    records.append(record)
    except OSError as error:
        raise LogError(f"{path} cannot be opened ({error.strerror or error}): choose another file") from error
    return records, torn


def tail_of(path: Path) -> Tail:
    """The end of a log; where there is no file, that of an empty one.

    Raises
    ------
    LogError
        The file is none, or was written by a newer version.
    OSError
        It cannot be read.
    """
    try:
        with path.open("rb") as stream:
            header = stream.readline()
            if not header.endswith(b"\n"):  # torn: whoever began it was killed
                return Tail()
            generation = _generation(path, header)
            start = stream.tell()
            size = stream.seek(0, os.SEEK_END)
            # Damage in the middle is no reason to add nothing: whoever goes on begins with a whole state.
            last = next(filter(None, map(_record, _backwards(path, start, size))), None)
            return Tail(size, generation, last)
    except FileNotFoundError:
        return Tail()


def add_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Add lines at the end of a log, a new one where there is none, and have them on the disk; how long it is now.

    Raises
    ------
    OSError
        Not all could be written; then the file is as it was.
    """
    data = b"".join(lines)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    try:
        whole = _whole(handle, os.lseek(handle, 0, os.SEEK_END))
        os.ftruncate(handle, whole)
        if not whole:
            data = header_line(0) + data
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        except OSError:
            os.ftruncate(handle, whole)
            raise
        return whole + len(data)
    finally:
        os.close(handle)


def replace_lines(path: Path, records: Iterable[Record], generation: int) -> None:
    """Put a shorter log in the place of one.

    Raises
    ------
    SaveError
        It cannot be written; the old one is as it was.
    """
    write_atomically(path, header_line(generation) + b"".join(map(line_of, records)))


def _whole(handle: int, size: int) -> int:
    """Bytes up to the end of the last line that has one."""
    while size:
        start = max(0, size - _BLOCK)
        os.lseek(handle, start, os.SEEK_SET)
        at = os.read(handle, size - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        size = start
    return 0


def _backwards(path: Path, start: int, end: int) -> Iterator[bytes]:
    """Lines from the last one back; a line without an end is none."""
    with path.open("rb") as stream:
        rest = b""
        first = True
        while end > start:
            begin = max(start, end - _BLOCK)
            stream.seek(begin)
            rest = stream.read(end - begin) + rest
            end = begin
            pieces = rest.split(b"\n")
            rest = pieces[0]
            for piece in reversed(pieces[1:]):
                if first:  # behind the last line's end
                    first = False
                    continue
                yield piece
        if rest and not first:
            yield rest


def _record(line: bytes) -> Record | None:
    values = values_of(line)
    try:
        return record_of(values) if values is not None else None
    except (KeyError, TypeError):
        return None


def _generation(path: Path, line: bytes) -> int:
    values: Document | None = values_of(line)
    if values is None or values.get("format") != FORMAT:
        raise LogError(f"{path} is no log of lungmtl: choose a *{LOG_SUFFIX} file")
    if not isinstance(values.get("version"), int) or values["version"] > VERSION:
        raise NewerLogError(
            f"{path} was written by a newer lungmtl: update with 'pip install -U napari-lungmtl'"
        )
    generation = values.get("generation", 0)
    return generation if isinstance(generation, int) else 0
