"""Where a session's findings are kept: read when an image is opened, written soon after each command, shared with other windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from ..training.findings import Findings
from ..training.findings.log.record import Record
from ..training.imaging.image import Image
from .autosave import Autosaver, finish_writing
from .events import SessionEvents
from .log.earlier import ahead
from .same_findings import numbered
from .shared.joining import Change
from .shared.presence import Presence, Visitor, sentence
from .sidecar import Sidecar, load

__all__ = ["Place", "Saving", "Sidecar"]

Place = Callable[[Image], Sidecar]
"""Gives the file of an image."""


class Saving:
    """Keeps the findings of the image that is open on the disk, and says who else has it open.

    Parameters
    ----------
    events
        The session's, to which it says what was saved, what could not be, and who else is there.
    place
        Gives the file of an image.
    """

    def __init__(self, events: SessionEvents, place: Place = Sidecar) -> None:
        self._events, self._place = events, place
        self._sidecar: Sidecar | None = None
        self._presence: Presence | None = None
        self._autosave = Autosaver(self._write, events.problem.emit)
        self.saved_at: datetime | None = None
        self.elsewhere = ""
        """Who else has the image open, in a sentence."""

    @property
    def path(self) -> Path | None:
        """The file that is written; None while no image is open."""
        return self._sidecar.path if self._sidecar is not None else None

    @property
    def logs(self) -> tuple[Path, ...]:
        """Where the log of commands is written, and where one may lie that was written before; empty while no image is open."""
        return self._sidecar.logs if self._sidecar is not None else ()

    @property
    def window(self) -> str:
        """By what the log names this window's commands on the image."""
        return self._sidecar.log.window if self._sidecar is not None else ""

    def open(self, image: Image | None) -> tuple[Findings, str]:
        """Save what is left of the former image, and read what there is of this one, with a sentence where it cannot be used."""
        self._autosave.flush()
        self._autosave.discard()  # what could not be written: the person has been told
        self._depart()
        self.saved_at, self.elsewhere = None, ""
        self._sidecar = self._place(image) if image is not None else None
        unsaved = finish_writing(self._sidecar, self._autosave)
        stored, problem = load(self._sidecar) if unsaved is None else (unsaved, "")
        if self._sidecar is not None:
            if unsaved is None:
                problem = problem or ahead(self._sidecar.newest(), self._sidecar.logs, stored)
            self._presence = Presence(self._sidecar.path, self._on_others)
        return numbered(stored), problem

    def note(self, before: Findings, after: Findings, words: str = "", *, joins: bool = False) -> None:
        """Have a command in the log with the next write; see `LogWriter.note`."""
        if self._sidecar is not None and before is not after:
            self._sidecar.log.note(before, after, words, joins=joins)

    def take_records(self, records: Iterable[Record]) -> None:
        """Have records of another log of the image in its log with the next write."""
        if self._sidecar is not None:
            self._sidecar.log.take(records)

    def request(self, findings: Findings) -> None:
        """Have findings written soon."""
        if self._sidecar is not None:
            self._autosave.request(findings)

    def save(self, *, wait: bool = True) -> bool:
        """Write now what is not yet saved, at once or in the background; whether everything is on the disk."""
        return self._autosave.flush() if wait else self._autosave.hurry()

    def close(self, *, wait: bool = True) -> None:
        """Save, at once or in the background, and end."""
        self._autosave.close() if wait else self._autosave.leave(self._sidecar)
        self._depart(wait=wait)

    def take_in(self, join: Callable[[Change], Findings]) -> bool:
        """Where others have saved findings of the same image since, have them joined with those of the window; whether they had.

        Parameters
        ----------
        join
            Gets what others changed, and returns what the window shows from now on; that is written soon.
        """
        if self._sidecar is None or not self._sidecar.news:
            return False
        with self._autosave.between_writes():
            findings = join(self._sidecar.news)
            self._sidecar.taken_in()
            self._autosave.request(findings)
        return True

    def _depart(self, *, wait: bool = True) -> None:
        if self._presence is not None:
            self._presence.leave(wait=wait)
            self._presence = None

    def _write(self, findings: Findings) -> None:
        """Called by the autosave, from its thread."""
        if self._sidecar is None:
            return
        problem = self._sidecar.write(findings)
        self.saved_at = datetime.now()
        self._events.saved.emit(self.saved_at)
        if problem:
            self._events.problem.emit(problem)

    def _on_others(self, others: tuple[Visitor, ...]) -> None:
        self.elsewhere = sentence(others)
        self._events.elsewhere.emit(self.elsewhere)
