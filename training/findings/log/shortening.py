"""A log that has grown too long is shortened: what is recent stays line by line, of what is older a state of each session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .file import LogError
from .record import Record, line_of
from .replay import Log

LIMIT = 8 << 20
"""Bytes from which on a log is shortened."""
_RECENT, _OLD = 0.4, 0.2
"""Parts of the limit that recent lines, and states of before, may take afterwards."""


def shortened(log: Log, limit: int = LIMIT) -> list[Record]:
    """The records that are kept of a log, in their order, each of which has its state, or a kept parent.

    Parameters
    ----------
    log
        As it is.
    limit
        Bytes that the log must not have; the last record is kept in any case.
    """
    records = list(log)
    recent = _recent(records, _RECENT * limit)
    kept = {record.id for record in recent}
    last = {record.window: record for record in records if record.id not in kept}
    old: list[Record] = []
    room = _OLD * limit
    for record in sorted(last.values(), key=records.index, reverse=True):
        whole = _whole(log, record)
        room -= len(line_of(whole)) if whole is not None else 0
        if room < 0:
            break
        old += [whole] if whole is not None else []
    kept |= {record.id for record in old}
    standing = (_standing(log, record, kept) for record in (*reversed(old), *recent))
    return [record for record in standing if record is not None]


def _recent(records: Sequence[Record], room: float) -> list[Record]:
    """The last records that fit, and one at least."""
    recent: list[Record] = []
    for record in reversed(records):
        room -= len(line_of(record))
        if recent and room < 0:
            break
        recent.append(record)
    return recent[::-1]


def _whole(log: Log, record: Record) -> Record | None:
    """A record with its state in the place of its change; None where damaged lines are needed for it."""
    try:
        return replace(record, change={}, state=log.document(record.id))
    except LogError:
        return None


def _standing(log: Log, record: Record, kept: set[str]) -> Record | None:
    """A record that needs nothing that is not kept, its parent being the nearest that is; None where that cannot be told."""
    parent = record.parent
    while parent and parent not in kept and parent in log:
        parent = log[parent].parent
    known = replace(record, parent=parent if parent in kept else "")
    if record.state is not None or record.parent in kept:
        return known
    whole = _whole(log, record)
    return replace(known, state=whole.state) if whole is not None else None
