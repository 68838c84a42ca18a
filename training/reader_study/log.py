"""The log of a reader study: JSON lines that are only ever appended, each on the disk before the next thing happens."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..error_boundary import sentence
from ..imaging.image import Image
from .errors import ReaderStudyError
from .events import FORMAT, Event, What
from .plan import Mode

SUFFIX = ".readings.jsonl"


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now().astimezone()


def content_hash(image: Image) -> str:
    """Hash voxels, shape and spacing of an image: a case has the same hash wherever its file lies and whatever it is called."""
    digest = hashlib.blake2b(digest_size=12)
    digest.update(repr((image.shape, str(image.voxels.dtype), image.spacing)).encode())
    for plane in image.voxels:  # a volume that is a view is copied slice by slice
        digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()


class LogWriter:
    """Appends one reader's events to a file.

    A line is written and synchronised (fsync) before the call returns: a killed process has lost nothing that was logged. What a
    crash has left of a half line stays there, on a line of its own.

    Parameters
    ----------
    path
        Made where it is not there, with its folders.
    reader
        Who reads.
    clock
        Tells the time, with its zone.

    Raises
    ------
    ReaderStudyError
        The file cannot be written.
    """

    def __init__(self, path: Path | str, reader: str, clock: Callable[[], datetime] = now) -> None:
        self.path = Path(path)
        self.reader = reader
        self._clock = clock
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    if file.read(1) != b"\n":
                        file.write(b"\n")
        except OSError as error:
            raise self._not_written(error) from error

    def write(self, what: What, mode: Mode | None = None, case: str = "", **details: Any) -> Event:
        """Append an event that happens now.

        Raises
        ------
        ReaderStudyError
            It cannot be written: what the reader does must not go on unlogged.
        """
        event = Event(self._clock(), what, self.reader, mode, case, details)
        line = json.dumps(event.to_json(), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            with self.path.open("ab") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise self._not_written(error) from error
        return event

    def start(self, **details: Any) -> Event:
        """Log that a study begins, with its design."""
        return self.write(What.STARTED, format=FORMAT, **details)

    def _not_written(self, error: OSError) -> ReaderStudyError:
        return ReaderStudyError(
            f"{self.path} cannot be written ({sentence(error)}): a reading that is not logged is lost to the study. Make room, or "
            "begin the study with its log in a folder that may be written"
        )


@dataclass(frozen=True)
class StudyLog:
    """What a log holds: its events in their order, and sentences on the lines that could not be read."""

    path: Path
    events: tuple[Event, ...]
    problems: tuple[str, ...] = ()


def read_log(path: Path | str) -> StudyLog:
    """Read a log back; lines that are damaged are left out, and `problems` names them.

    Raises
    ------
    ReaderStudyError
        The file cannot be opened, a newer version of this program wrote it, or not one of its lines is an event.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise ReaderStudyError(
            f"{path} cannot be read ({sentence(error)}): name a log of a reader study"
        ) from error
    complete = not lines[-1]
    events, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = Event.of(json.loads(line))
        except ValueError as error:  # JSON's and Unicode's are such
            why = sentence(error)
            last = number == len(lines) and not complete
            problems.append(
                f"{path}, line {number} breaks off, as a crash leaves it; all that came before is there."
                if last
                else f"{path}, line {number} is damaged ({why}) and left out."
            )
            continue
        _require_known(path, event.details)
        events.append(event)
    if not events:
        raise ReaderStudyError(
            f"{path} has no line of a reader study: name a log (*{SUFFIX}) that the section 'reader study' of the window wrote"
        )
    return StudyLog(path, tuple(events), tuple(problems))


def _require_known(path: Path, details: Mapping[str, Any]) -> None:
    version = details.get("format", FORMAT)
    if isinstance(version, int) and version > FORMAT:
        raise ReaderStudyError(
            f"{path} was written by a newer version (format {version}; this one knows {FORMAT}): update napari-lungmtl"
        )
