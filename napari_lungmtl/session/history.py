"""Undo and redo over immutable values: a step is the state before and the state after."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_STEPS = 1000
"""States share the findings that did not change: a step costs a tuple of references, a few kilobytes."""


@dataclass(frozen=True)
class Step(Generic[T]):
    """One command, as what it changed from and to."""

    before: T
    after: T


class History(Generic[T]):
    """The done and undone steps of one image."""

    def __init__(self) -> None:
        self._done: deque[Step[T]] = deque(maxlen=MAX_STEPS)
        self._undone: list[Step[T]] = []

    @property
    def can_undo(self) -> bool:
        """Whether a step is there to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether a step that was taken back is there to do again."""
        return bool(self._undone)

    def push(self, before: T, after: T) -> None:
        """Record a step; what was undone before it cannot be redone any more."""
        self._done.append(Step(before, after))
        self._undone.clear()

    def undo(self) -> T:
        """The state before the last step.

        Raises
        ------
        IndexError
            There is nothing to undo.
        """
        step = self._done.pop()
        self._undone.append(step)
        return step.before

    def redo(self) -> T:
        """The state after the step that was undone last.

        Raises
        ------
        IndexError
            There is nothing to redo.
        """
        step = self._undone.pop()
        self._done.append(step)
        return step.after

    def clear(self) -> None:
        """Forget everything: another image was opened."""
        self._done.clear()
        self._undone.clear()
