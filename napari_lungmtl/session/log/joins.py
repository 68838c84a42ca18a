"""Another person's findings and log of the same image, and what becomes of them and ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...training.errors import LungmtlError
from ...training.findings import Findings, ImageReference
from ...training.findings.formats.json_file import SUFFIX, read_findings
from ...training.findings.log.file import LOG_SUFFIX, LogError, log_of
from ...training.findings.log.joining import Conflict, Joined, join
from ...training.findings.log.record import Record
from ...training.findings.log.replay import Log, common_ancestor
from ..session import Session

_LOOKED_AT = 500
"""States of our log that are compared with the first one of theirs where the logs have no record in common."""


class JoinError(LungmtlError):
    """A file is not of the same image, or the window's own; the message says so."""


@dataclass(frozen=True)
class Theirs:
    """What another person did: their findings, the state that both came from (None: nobody knows), and the records that are new."""

    path: Path
    findings: Findings
    base: Findings | None
    since: str
    records: tuple[Record, ...]

    @property
    def who(self) -> str:
        """``bob``; ``bob and cem``; empty where nothing tells."""
        names = [r.who for r in self.records if r.is_command and r.who]
        names = names or [c.by for f in self.findings for c in f.history if c.by in _people(self.findings)]
        return " and ".join(sorted(set(names)))

    @property
    def commands(self) -> int:
        """How many commands ours does not know."""
        return sum(record.is_command for record in self.records)


def read_theirs(path: Path, own: Path | None, logs: tuple[Path, ...], image: ImageReference) -> Theirs:
    """Read another person's file of findings or its log; of the other one lies beside it, that too.

    Parameters
    ----------
    path
        ``*.lungmtl.json`` or ``*.lungmtl.log.jsonl``.
    own, logs
        The file and the logs of the window.
    image
        What the window shows.

    Raises
    ------
    FindingsFileError
        It cannot be read.
    JoinError
        It is of another image, or the window's own file.
    """
    is_log = path.name.endswith(LOG_SUFFIX)
    file = path.with_name(path.name.removesuffix(LOG_SUFFIX) + SUFFIX) if is_log else path
    log = path if is_log else log_of(path)
    if own is not None and file.absolute() == own.absolute():
        raise JoinError(f"{path.name} is the file that this window saves: choose another person's.")
    theirs, ours = Log.read(log) if is_log else _as_far_as_readable(log), _as_far_as_readable(*logs)
    if file.is_file() or theirs.head is None:
        findings = read_findings(file)
    else:
        findings = theirs.state(theirs.head.id)
    if not _same_image(findings.image, image):
        raise JoinError(f"{path.name} is of another image than the one that is open: open that image first.")
    base = common_ancestor(ours, theirs)
    parted = base if base is not None else _first_of_theirs(ours, theirs)
    try:
        state = ours.state(parted.id) if parted is not None else None
    except LogError:
        state = None
    return Theirs(
        path,
        replace(findings, image=image),
        state,
        parted.at if parted is not None and state is not None else "",
        tuple(record for record in theirs if record.id not in ours),
    )


def _as_far_as_readable(*logs: Path) -> Log:
    """Logs beside findings; an empty one where they are damaged: the findings can be joined without."""
    try:
        return Log.read(*logs)
    except LogError:
        return Log(())


def joined(theirs: Theirs, ours: Findings) -> Joined:
    """What becomes of both."""
    return join(theirs.base, ours, theirs.findings)


def take(session: Session, theirs: Theirs) -> Joined:
    """Join their findings to a session's in one step that undo takes back; their commands come into its log."""
    both = joined(theirs, session.findings)
    session.join(both.findings, f"joined {_whose(theirs)} findings ({counts(both)})", theirs.records)
    return both


def counts(both: Joined) -> str:
    """``2 new, 1 changed, 1 in dispute``; ``nothing new``."""
    parts = (
        (both.added, "new"),
        (both.changed, "changed"),
        (both.removed, "taken out"),
        (len(both.conflicts), "in dispute"),
    )
    return ", ".join(f"{n} {word}" for n, word in parts if n) or "nothing new"


def sentences(both: Joined, theirs: Theirs) -> list[str]:
    """What is in dispute, and how it stands, one sentence each."""
    return [*(_dispute(conflict, _whose(theirs)) for conflict in both.conflicts), *both.sentences]


def _dispute(conflict: Conflict, whose: str) -> str:
    number = conflict.stays.number
    if conflict.other is None:
        both = (
            "changed here, and taken out there"
            if conflict.ours_stays
            else "taken out here, and changed there"
        )
        return f"{number} was {both}: it stays."
    stays = "yours" if conflict.ours_stays else whose
    return (
        f"{number}: you differ in {' and '.join(conflict.of)}. What was said last keeps the number ({stays}); "
        f"the other is {conflict.other.number}."
    )


def _whose(theirs: Theirs) -> str:
    return f"{theirs.who}’s" if theirs.who else "the other’s"


def _people(findings: Findings) -> set[str]:
    """Names that are no network's."""
    return {f.provenance.person for f in findings if f.provenance.person} | {
        c.by for f in findings for c in f.history if c.what in ("status", "note", "place", "diameter")
    }


def _same_image(theirs: ImageReference, ours: ImageReference) -> bool:
    if theirs.series_uid != ours.series_uid:
        return False
    return not theirs.shape or not ours.shape or theirs.shape == ours.shape


def _first_of_theirs(ours: Log, theirs: Log) -> Record | None:
    """The last of our records whose state is the first that they know: they were given the findings without the log."""
    first = next((record for record in theirs if record.state is not None), None)
    if first is None:
        return None
    wanted = _bare(first.state)
    for record in list(ours)[: -_LOOKED_AT - 1 : -1]:
        try:
            if _bare(ours.document(record.id)) == wanted:
                return record
        except LogError:
            continue
    return None


def _bare(document: Any) -> dict[str, Any]:
    """All but where the image lies."""
    return {key: value for key, value in document.items() if key != "image"}
