"""What the log of an image tells of before: each time that somebody had it open, and whether more was done than was saved."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ...training.findings import Findings
from ...training.findings.formats.errors import FindingsFileError
from ...training.findings.formats.json_file import read_findings
from ...training.findings.history import instant
from ...training.findings.log.record import KEPT, Record
from ...training.findings.log.replay import Log
from ..shared.turns import turn


@dataclass(frozen=True)
class Visit:
    """What was done in one window while an image was open; the records by time, the state at its opening among them."""

    window: str
    who: str
    machine: str
    records: tuple[Record, ...]

    @property
    def began(self) -> str:
        """When, as `Record.at` has it."""
        return self.records[0].at


def visits(log: Log, besides: Collection[str] = ()) -> list[Visit]:
    """All visits of which a log tells, the latest first.

    Parameters
    ----------
    log
        Of an image.
    besides
        Windows whose records are left out.
    """
    by_window: dict[str, list[Record]] = {}
    for record in log:
        if record.window not in besides and record.label != KEPT:
            by_window.setdefault(record.window, []).append(record)
    found = [
        Visit(w, records[-1].who, records[-1].machine, tuple(records)) for w, records in by_window.items()
    ]
    return sorted(found, key=lambda visit: instant(visit.records[-1].at), reverse=True)


def state_of(log: Log, record: Record, present: Findings) -> Findings:
    """The findings that a record led to, on the image as it is open now.

    Raises
    ------
    LogError
        Lines that it needs are missing or damaged.
    """
    return replace(log.state(record.id), image=present.image)


def ahead(file: Path | None, logs: Sequence[Path], stored: Findings) -> str:
    """Say that a log goes on where the saved findings end, as after a disk that was full; empty where it does not.

    Looked at only where the log was written after the findings, which are written last; and in turn, as another window may be
    between the two.
    """
    with suppress(OSError, FindingsFileError):
        saved = file.stat().st_mtime_ns if file is not None else 0
        log = next((path for path in logs if path.is_file() and path.stat().st_mtime_ns > saved), None)
        if log is None:
            return ""
        with turn(file if file is not None else log):
            known = Log.read(log)
            present = read_findings(file) if file is not None else stored
        if known.head is None or state_of(known, known.head, present) == present:
            return ""
        return (
            f"More was done than is saved: the history goes on until {known.head.at[11:16]} on {known.head.at[:10]} "
            f"({known.head.label}, {known.head.who}). Its last line in the section 'history' brings that back."
        )
    return ""
