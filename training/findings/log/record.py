"""One line of a log: a command, who gave it, where and when, and what it changed.

A line is a JSON object (UTF-8); what is empty is left out::

    {"id", "seq", "parent", "other", "at", "who", "machine", "window", "label", "change": {…}, "state": {…}, "sum"}

``parent`` is the id of the record whose state was changed, ``other`` that of a second one that was joined, ``seq`` the length of
the longest way here, more than that of either. ``at`` is local time with its offset (ISO 8601), ``window`` an id that each opened
image has for itself. ``change`` is told by `difference`, ``state`` is a whole document of findings (a snapshot). ``sum`` comes last
and is the BLAKE2b digest (eight bytes) of all before it: by it a torn or altered line is known.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass, field, fields
from typing import Any

from ..formats.json_values import checked, integer

Document = dict[str, Any]
_SUM = len(',"sum":"0123456789abcdef"}')
OPENED, KEPT = "opened", "kept whole"
"""Labels of records that hold a state and no command: as the image was opened, and as a log was shortened."""


@dataclass(frozen=True)
class Record:
    """A command, or a snapshot, in a log; see above for what its fields are."""

    id: str
    seq: int
    parent: str
    at: str
    who: str
    machine: str
    window: str
    label: str
    other: str = ""
    change: Document = field(default_factory=dict)
    state: Document | None = None

    @property
    def is_command(self) -> bool:
        """Whether somebody did something."""
        return self.label not in (OPENED, KEPT)


def new_record_id() -> str:
    """A fresh identifier of a record."""
    return uuid.uuid4().hex[:16]


def line_of(record: Record) -> bytes:
    """The line of a record, with its end."""
    values = {f.name: getattr(record, f.name) for f in fields(record)}
    return _line({key: value for key, value in values.items() if value or key == "seq"})


def header_line(generation: int) -> bytes:
    """The first line of a log; `generation` counts how often it was shortened."""
    return _line({"format": FORMAT, "version": VERSION, "generation": generation})


FORMAT, VERSION = "lungmtl-log", 1


def values_of(line: bytes) -> Document | None:
    """The values of a line; None where it is torn or altered."""
    line = line.rstrip(b"\r\n")
    body, ending = line[:-_SUM], line[-_SUM:]
    if ending != _ending(body):
        return None
    try:
        return dict(checked(json.loads(body + b"}"), dict))
    except (ValueError, TypeError, RecursionError):
        return None


def record_of(values: Document) -> Record:
    """The record of a line's values.

    Raises
    ------
    KeyError, TypeError
        Something is missing or is something else.
    """
    texts = {
        name: checked(values.get(name, ""), str)
        for name in ("parent", "at", "who", "machine", "window", "label", "other")
    }
    state = values.get("state")
    return Record(
        id=checked(values["id"], str),
        seq=integer(values["seq"]),
        change=checked(values.get("change", {}), dict),
        state=None if state is None else checked(state, dict),
        **texts,
    )


def _line(values: Document) -> bytes:
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    # A lone surrogate (a file name in an old encoding) becomes the escape that JSON has for it.
    body = text[:-1].encode("utf-8", "backslashreplace")
    return body + _ending(body) + b"\n"


def _ending(body: bytes) -> bytes:
    return b',"sum":"%s"}' % hashlib.blake2b(body, digest_size=8).hexdigest().encode()
