"""Answers to wishes that follow each other faster than they are answered: only the latest counts."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, Signal

from .worker import Steps, Worker

_LEFT = object()
"""What a worker returns whose wish was given up before it was done."""


@dataclass(frozen=True, eq=False)
class _Wish:
    key: Hashable
    begin: Callable[[], Steps[Any]]


class LatestAnswer(QObject):
    """Computes one answer after the other off the GUI thread; what was wished for before is left at its next step.

    One at a time: workers for what was left would pile up.

    Parameters
    ----------
    failure
        Begins the message of an error that nobody wrote for the person.
    """

    ready = Signal(object)
    """What the latest wish's generator returned."""
    failed = Signal(str)
    """A sentence for the person."""
    progressed = Signal(object)
    """What it yielded."""

    def __init__(self, failure: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._wish: _Wish | None = None
        self._running: _Wish | None = None
        self._worker = Worker(failure, self)
        self._worker.finished.connect(self._on_finished)
        self._worker.failed.connect(self._on_failed)
        self._worker.progressed.connect(self._on_progress)
        self._worker.cancelled.connect(self._on_cancelled)

    @property
    def waiting(self) -> bool:
        """Whether an answer is wished for and not yet there."""
        return self._wish is not None

    @property
    def busy(self) -> bool:
        """Whether something is computed, wished for or not."""
        return self._worker.running

    def ask(self, key: Hashable, begin: Callable[[], Steps[Any]]) -> None:
        """Wish for an answer; `ready` or `failed` brings it, unless another wish or `forget` comes first.

        Parameters
        ----------
        key
            Tells wishes apart: the same one is not begun twice.
        begin
            Makes the generator that is exhausted, in a thread.
        """
        running = self._running if self.busy else None
        self._wish = running if running is not None and running.key == key else _Wish(key, begin)
        if running is None:
            self._start(self._wish)

    def forget(self) -> None:
        """Wish for nothing any more."""
        self._wish = None

    def _start(self, wish: _Wish) -> None:
        self._running = wish
        self._worker.start(lambda: self._steps(wish), str(wish.key))

    def _steps(self, wish: _Wish) -> Steps[Any]:
        """The wish's own generator, as far as it is still wished for."""
        steps = wish.begin()
        try:
            while self._wish is wish:
                try:
                    yield next(steps)
                except StopIteration as end:
                    return end.value
        finally:
            steps.close()
        return _LEFT

    def _on_progress(self, step: object) -> None:
        if self._wish is not None and self._wish is self._running:
            self.progressed.emit(step)

    def _on_finished(self, answer: object) -> None:
        wish = self._wish
        if wish is not None and wish is self._running and answer is not _LEFT:
            self._wish = None
            self.ready.emit(answer)
        elif wish is not None:
            self._start(wish)

    def _on_failed(self, message: str) -> None:
        wish = self._wish
        if wish is not None and wish is self._running:
            self._wish = None
            self.failed.emit(message)
        elif wish is not None:
            self._start(wish)

    def _on_cancelled(self) -> None:
        self._wish = None
