"""Undo and redo over immutable values: a step is the state before and the state after; and all steps that there were, by time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

MAX_STEPS = 1000
"""States share the findings that did not change: a step costs a tuple of references, a few kilobytes."""


Standing = Literal["done", "undone", "left"]
"""Of a step: it holds, it can be done again, or something else was done in its place."""


@dataclass(frozen=True)
class Step(Generic[T]):
    """One command.

    Parameters
    ----------
    before, after
        What it changed from and to.
    selection
        Which findings were selected before it.
    words
        What it did; empty where the two states tell.
    who, at
        Who gave it, and when (local time with its offset, ISO 8601).
    key
        What tells it from other steps, also when what others did has joined it.
    """

    before: T
    after: T
    selection: tuple[str, ...] = ()
    words: str = ""
    who: str = ""
    at: str = ""
    key: object = field(default_factory=object)


class History(Generic[T]):
    """The done and undone steps of one image."""

    def __init__(self) -> None:
        self._done: deque[Step[T]] = deque(maxlen=MAX_STEPS)
        self._undone: list[Step[T]] = []
        self._all: deque[Step[T]] = deque(maxlen=MAX_STEPS)

    @property
    def steps(self) -> tuple[Step[T], ...]:
        """All steps by time, also those in whose place something else was done."""
        return tuple(self._all)

    def standings(self) -> dict[object, Standing]:
        """How each step stands, by its key."""
        found: dict[object, Standing] = dict.fromkeys((step.key for step in self._all), "left")
        found |= dict.fromkeys((step.key for step in self._done), "done")
        return found | dict.fromkeys((step.key for step in self._undone), "undone")

    @property
    def can_undo(self) -> bool:
        """Whether a step is there to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether a step that was taken back is there to do again."""
        return bool(self._undone)

    @property
    def last(self) -> Step[T] | None:
        """The step that `undo` would take back."""
        return self._done[-1] if self._done else None

    @property
    def next(self) -> Step[T] | None:
        """The step that `redo` would do again."""
        return self._undone[-1] if self._undone else None

    def has_done(self, after: T) -> bool:
        """Whether one of the done steps led to this very state."""
        return any(step.after is after for step in self._done)

    def push(self, step: Step[T]) -> None:
        """Record a step; what was undone before it cannot be redone any more."""
        self._done.append(step)
        self._all.append(step)
        self._undone.clear()

    def undo(self) -> Step[T]:
        """Take the last step back, and return it.

        Raises
        ------
        IndexError
            There is nothing to undo.
        """
        step = self._done.pop()
        self._undone.append(step)
        return step

    def redo(self) -> Step[T]:
        """Do the step that was undone last again, and return it.

        Raises
        ------
        IndexError
            There is nothing to redo.
        """
        step = self._undone.pop()
        self._done.append(step)
        return step

    def retract(self) -> Step[T]:
        """Take the last step back as if it had never been, and return it.

        Raises
        ------
        IndexError
            There is none.
        """
        step = self._done.pop()
        self._all = deque((each for each in self._all if each.key is not step.key), maxlen=MAX_STEPS)
        return step

    def change_all(self, change: Callable[[T], T]) -> None:
        """Do a change to every state, as if it had been there before the first command: undo does not take it back."""

        def changed(step: Step[T]) -> Step[T]:
            return replace(step, before=change(step.before), after=change(step.after))

        self._done = deque(map(changed, self._done), maxlen=MAX_STEPS)
        self._undone = [changed(step) for step in self._undone]
        self._all = deque(map(changed, self._all), maxlen=MAX_STEPS)

    def clear(self) -> None:
        """Forget everything: another image was opened."""
        for steps in (self._done, self._undone, self._all):
            steps.clear()
