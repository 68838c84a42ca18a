"""One reader's study as it goes: which case is next, what may be seen of it, and what is written into the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ...training.findings import Finding, ImageReference
from ...training.imaging.image import Image
from ...training.reader_study.events import Event, What, image_details, mark_details
from ...training.reader_study.log import SUFFIX, LogWriter, content_hash, read_log
from ...training.reader_study.plan import Design, Mode, Step, draw_steps
from ...training.reader_study.readings import Reading, replay
from ..cases.case import Case


class State(StrEnum):
    """What the reader may see, as the banner says it."""

    OPENING = "opening"
    LOOKING = "look first: the networks' marks are hidden"
    REVEALED = "revealed: the networks' marks are shown"
    AIDED = "aided: the networks' marks are shown"
    UNAIDED = "unaided: without the networks"
    PAUSED = "paused"
    ENDED = "ended"


HIDES = frozenset((State.OPENING, State.LOOKING, State.UNAIDED, State.PAUSED))
"""States in which nothing may tell what networks found."""


@dataclass(frozen=True)
class Plan:
    """What a person asks for when a study begins.

    Parameters
    ----------
    reader
        Who reads.
    folder
        Where the cases are.
    design, seed
        See `draw_steps`.
    log_folder
        Where the log and the reader's marks are kept.
    """

    reader: str
    folder: Path
    design: Design
    seed: int
    log_folder: Path

    @property
    def log(self) -> Path:
        """The reader's log."""
        return self.log_folder / f"{_plain(self.reader)}{SUFFIX}"

    def marks(self, mode: Mode, case: str) -> Path:
        """The file with the reader's marks in a case."""
        return self.log_folder / "marks" / _plain(self.reader) / _plain(mode) / f"{case}.lungmtl.json"


def _plain(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in text) or "_"


def study_key(case: Case, folder: Path) -> str:
    """Name a case in a log: by the identifier of its series, or by its file as seen from the folder of cases."""
    absolute = str(folder.absolute())
    return case.key.removeprefix(absolute).lstrip("/\\") if case.key.startswith(absolute) else case.key


@dataclass
class Past:
    """What a log says of a study that was begun and not ended: the steps that are left, and readings that are not finished."""

    steps: tuple[Step, ...]
    design: str
    left: tuple[Step, ...]
    readings: Mapping[tuple[Mode, str], Reading] = field(default_factory=dict)


def past_of(path: Path, reader: str) -> tuple[Past | None, tuple[str, ...]]:
    """Read what is to be gone on with, and sentences on lines that are damaged; None where there is nothing.

    Raises
    ------
    ReaderStudyError
        The file is no log, or cannot be read.
    """
    if not path.is_file() or not path.stat().st_size:
        return None, ()
    log = read_log(path)
    events = [event for event in log.events if event.reader == reader]
    begun = max((n for n, event in enumerate(events) if event.what is What.STARTED), default=None)
    if begun is None or any(event.what is What.ENDED for event in events[begun:]):
        return None, log.problems
    start, since = events[begun], events[begun:]
    steps = tuple(Step(str(s["key"]), Mode(s["mode"])) for s in start.details.get("steps", ()))
    over = {_step(event) for event in since if event.what is What.DONE or event.details.get("skipped")}
    readings, _ = replay(since)
    unfinished = {(r.mode, r.case): r for r in readings if r.after is None}
    left = tuple(step for step in steps if step not in over)
    return Past(steps, str(start.details.get("design", "")), left, unfinished), log.problems


def _step(event: Event) -> Step | None:
    return Step(str(event.details.get("key", "")), event.mode) if event.mode is not None else None


class Study:
    """Goes from case to case; the window asks it what may be seen, and tells it what the reader does.

    Parameters
    ----------
    plan
        What was asked for.
    cases
        What the folder holds.

    Raises
    ------
    ReaderStudyError
        The log cannot be written, or is none.
    """

    def __init__(self, plan: Plan, cases: Sequence[Case]) -> None:
        self.plan = plan
        self.past, self.problems = past_of(plan.log, plan.reader)
        self.log = LogWriter(plan.log, plan.reader)
        by_key = {study_key(case, plan.folder): case for case in cases if case.can_open}
        if self.past is None:
            self.steps = draw_steps(sorted(by_key), plan.design, plan.seed, plan.reader)
            steps = [{"key": step.key, "mode": str(step.mode)} for step in self.steps]
            where = {
                "design": str(plan.design),
                "seed": plan.seed,
                "folder": str(plan.folder),
                "steps": steps,
            }
            self.log.start(**where)
            left = self.steps
        else:
            self.steps, left = self.past.steps, self.past.left
        self._cases = by_key
        self.missing = tuple(step for step in left if step.key not in by_key)
        self._left = [step for step in left if step.key in by_key]
        self.state = State.OPENING
        self._before_pause = State.OPENING
        self.image: Image | None = None
        self.hash = ""
        self.rating: float | None = None
        self.sure: dict[str, float] = {}
        self.reading: Reading | None = None
        self._hashed: tuple[Image, str] | None = None

    # ---- where it stands

    @property
    def step(self) -> Step | None:
        """The present case and how it is read; None when all are read."""
        return self._left[0] if self._left else None

    @property
    def case(self) -> Case | None:
        """The present case."""
        return self._cases[self.step.key] if self.step is not None else None

    @property
    def following(self) -> Case | None:
        """The case after the present one."""
        return self._cases[self._left[1].key] if len(self._left) > 1 else None

    @property
    def place(self) -> tuple[int, int]:
        """Which of how many readings this is, from 1."""
        total = len(self.steps) - len(self.missing)
        return min(total - len(self._left) + 1, total), total

    @property
    def left(self) -> int:
        """How many readings are not done."""
        return len(self._left)

    @property
    def hides_networks(self) -> bool:
        """Whether nothing may tell what networks found."""
        return self.state in HIDES

    # ---- what happens; each is in the log before it is shown

    def opened(self, image: Image) -> None:
        """The present case is on the canvas."""
        step = self.step
        assert step is not None
        self.image, self.hash = image, self.hash_of(image)
        past = self.past.readings.get((step.mode, self.hash)) if self.past is not None else None
        self.reading = past
        present = past.present if past is not None else None
        marks = present.marks if present is not None else ()
        self.sure = {mark.id: mark.score for mark in marks if mark.score < 1}
        self.rating = past.rated if past is not None else None
        self.write(
            What.OPENED,
            key=step.key,
            name=self.case.name if self.case is not None else "",
            image=image_details(ImageReference.of(image)),
        )
        looking = step.mode is Mode.LOOK_FIRST and not (past is not None and past.revealed)
        if step.mode is Mode.LOOK_FIRST:
            self.state = State.LOOKING if looking else State.REVEALED
        else:
            self.state = State.UNAIDED if step.mode is Mode.UNAIDED else State.AIDED

    def hash_of(self, image: Image) -> str:
        """Hash an image that comes to the canvas, once."""
        if self._hashed is None or self._hashed[0] is not image:
            self._hashed = image, content_hash(image)
        return self._hashed[1]

    def revealed(self, shown: Sequence[Finding]) -> None:
        """The networks' marks are about to be shown."""
        self.write(What.REVEALED, findings=[mark_details(finding) for finding in shown])
        if self.state is State.LOOKING:
            self.state = State.REVEALED

    def rate(self, rating: float) -> None:
        """The reader says how sure it is that the case has a nodule, 0–1."""
        if rating != self.rating:
            self.write(What.RATED, rating=rating)
            self.rating = rating

    def score(self, id: str, sure: float) -> None:
        """The reader says how sure a mark is, 0–1."""
        if sure != self.sure.get(id, 1.0):
            self.write(What.SCORED, id=id, score=sure)
            self.sure[id] = sure

    def marks_of(self, image: Image) -> Path:
        """The file with the reader's marks in an image, whichever it is: none of a study is saved beside its image."""
        mode = self.step.mode if self.step is not None else Mode.UNAIDED
        return self.plan.marks(mode, self.hash_of(image))

    def done(self) -> None:
        """The present case is read."""
        step = self.step
        assert step is not None
        self.write(What.DONE, key=step.key)
        self._go_on()

    def skip(self, problem: str) -> None:
        """The present case cannot be opened."""
        step = self.step
        assert step is not None
        self.log.write(What.PAUSED, step.mode, key=step.key, skipped=True, problem=problem)
        self._go_on()

    def pause(self) -> None:
        """The reader goes away."""
        if self.state not in (State.PAUSED, State.ENDED):
            self.write(What.PAUSED)
            self._before_pause, self.state = self.state, State.PAUSED

    def resume(self) -> None:
        """The reader is back."""
        if self.state is State.PAUSED:
            self.write(What.RESUMED)
            self.state = self._before_pause

    def halt(self) -> None:
        """Nothing can be logged any more: nothing may be done until it can."""
        if self.state not in (State.PAUSED, State.ENDED):
            self._before_pause, self.state = self.state, State.PAUSED

    def reopen(self) -> None:
        """The present case went from the canvas, and is opened anew."""
        self.past, _ = past_of(self.plan.log, self.plan.reader)
        self.state = State.OPENING

    def end(self) -> None:
        """The study is over, whether all cases are read or not."""
        self.log.write(What.ENDED)
        self.state = State.ENDED

    def write(self, what: What, **details: Any) -> None:
        """Log something of the present case."""
        step = self.step
        mode = step.mode if step is not None and self.hash else None
        self.log.write(what, mode, self.hash, **details)

    def _go_on(self) -> None:
        self._left.pop(0)
        self.image, self.hash, self.rating, self.reading = None, "", None, None
        self.sure = {}
        self.state = State.OPENING
