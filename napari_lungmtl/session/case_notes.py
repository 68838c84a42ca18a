"""Tags and a note on a case, in a small file beside its findings.

A file of its own: they can be set for a case that is not open, by a list of thousands, without a word to history, undo and
autosave of the findings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from ..training.errors import LungmtlError
from ..training.findings.formats.atomic import write_atomically
from ..training.findings.formats.tables import read_text
from .sidecar import Sidecar

SUFFIX = ".case.json"


@dataclass(frozen=True)
class CaseNotes:
    """What a person says of a case as a whole.

    Parameters
    ----------
    tags
        Single words or a few; no semicolon and no comma in them, each once.
    note
        One line.
    """

    tags: tuple[str, ...] = ()
    note: str = ""

    @classmethod
    def typed(cls, tags: Iterable[str], note: str) -> CaseNotes:
        """Take what a person typed: blanks joined, commas and semicolons part tags, each tag once."""
        parts = (part for text in tags for part in text.replace(";", ",").split(","))
        clean = (" ".join(part.split()) for part in parts)
        return cls(tuple(dict.fromkeys(tag for tag in clean if tag)), " ".join(note.split()))


def read_notes(sidecar: Sidecar) -> CaseNotes:
    """Read what is saved; nothing where nothing is, or where the file is damaged."""
    for path in sidecar.companions(SUFFIX):
        if not path.is_file():
            continue
        try:
            values = json.loads(read_text(path))
            return CaseNotes.typed(map(str, values["tags"]), str(values["note"]))
        except (LungmtlError, ValueError, TypeError, KeyError):
            continue
    return CaseNotes()


def write_notes(sidecar: Sidecar, notes: CaseNotes) -> None:
    """Write tags and note; where there are none the file goes.

    Raises
    ------
    SaveError, OSError
        It could not be written; the text is for the person.
    """
    path, *_ = sidecar.companions(SUFFIX)
    if notes == CaseNotes():
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"tags": notes.tags, "note": notes.note}, ensure_ascii=False, indent=1)
    write_atomically(path, text.encode() + b"\n")
