"""Generators off the GUI thread: progress, cancel, errors as sentences, the result back on the GUI thread.

All that takes long goes this way: runs of models, heat maps, reconstructions, cohorts. Models are loaded in the worker's thread
as well: importing torch and reading weights take seconds.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, ParamSpec, TypeVar

from napari.qt.threading import GeneratorWorkerSignals, WorkerBase
from qtpy.QtCore import QObject, QThreadPool, Signal

from ..training.error_boundary import STOPS, foreseen, sentence
from ..training.inference.predictor import Progress

log = logging.getLogger("napari_lungmtl")

P = ParamSpec("P")
R = TypeVar("R")
Steps = Generator[Any, None, R]
"""What a worker exhausts: each ``yield`` reports progress and is a point at which it may be stopped."""

INTERVAL = 0.05
"""Seconds between two reports to the window: every report costs the GUI thread a redraw."""


LAST_SECONDS = 10
"""How long the process waits for threads at its end."""


LEAST_THREADS = 6
"""Workers that go on side by side at least: Qt's pool has a thread for each core, and on one core nobody could open a case while
a network runs."""


def _make_room() -> None:
    pool = QThreadPool.globalInstance()
    if pool is not None and pool.maxThreadCount() < LEAST_THREADS:
        pool.setMaxThreadCount(LEAST_THREADS)


def wait_for_threads() -> bool:
    """Let threads come to their next step, before Python goes: an import of torch cut in two ends in tracebacks or a crash.

    Also called when Python ends: a script may never have had Qt's event loop, whose end the window listens to.
    """
    pool = QThreadPool.globalInstance()
    return pool is None or pool.waitForDone(1000 * LAST_SECONDS)


atexit.register(wait_for_threads)


def one_step(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Steps[R]:
    """Make a generator of a function that reports no progress: it can be stopped before it begins.

    Yields
    ------
    None
        Once.
    """
    yield
    return function(*args, **kwargs)


@dataclass(frozen=True)
class Outcome:
    """How work ended: with a result, with a message for the person, or stopped."""

    result: Any = None
    message: str | None = None
    stopped: bool = False


def exhaust(
    begin: Callable[[], Steps[Any]], stop: threading.Event, failure: str, subject: str = ""
) -> Generator[Any, None, Outcome]:
    """Exhaust a generator, never raising.

    An exception that leaves a napari worker may end the process, so it is caught here and returned.

    Parameters
    ----------
    begin
        Makes the generator; called here, in the worker's thread.
    stop
        Looked at after each of the generator's steps, also those that are not passed on.
    failure
        Begins the message of an error that nobody wrote for the person.
    subject
        What is worked on, for the log.

    Yields
    ------
    object
        Steps, at most one every `INTERVAL` seconds. A `Progress` with a `note` or a `trace` is never left out, and one
        with findings does not wait for the next step, which may take long.
    """
    if stop.is_set():  # it was cancelled while it waited for a thread: to begin may load a model
        return Outcome(stopped=True)
    try:
        steps = begin()
        try:
            last, found, held = -INTERVAL, -INTERVAL, None
            while not stop.is_set():
                try:
                    step = _with_findings_of(held, next(steps))
                except StopIteration as end:
                    return Outcome(end.value)
                now, finds = time.monotonic(), getattr(step, "findings", None) is not None
                due = now - last >= INTERVAL or (finds and now - found >= INTERVAL)
                if due or any(getattr(step, name, None) for name in ("note", "trace")):
                    last, held = now, None
                    found = now if finds else found
                    yield step
                else:
                    held = step
        finally:
            steps.close()
    except STOPS:
        raise
    except BaseException as error:  # codecs in Rust panic with errors that are no Exception
        log.error("%s: %s (%s)", failure, error, subject, exc_info=True)
        if foreseen(error):
            return Outcome(message=sentence(error, subject))
        return Outcome(message=f"{failure}: {sentence(error)}. The log has the details.")
    return Outcome(stopped=True)


def _with_findings_of(held: Any, step: Any) -> Any:
    """The step, with the findings of one before it that was not passed on."""
    both = isinstance(held, Progress) and isinstance(step, Progress)
    return replace(step, findings=held.findings) if both and step.findings is None else step


class _Thread(WorkerBase):
    """Exhausts a generator in a thread of Qt's pool, and closes it however that ends.

    napari's own `GeneratorWorker` leaves the generator hanging when it is told to quit or when the window is gone before a
    report reaches it: files stay open and the network in memory until Python's garbage collection comes by.
    """

    def __init__(self, steps: Generator[Any, None, Outcome]) -> None:
        super().__init__(SignalsClass=GeneratorWorkerSignals)
        self._steps = steps

    def work(self) -> Outcome | RuntimeError:
        """Report each step; called by napari in the thread."""
        with closing(self._steps) as steps:
            try:
                while not self.abort_requested:
                    self.yielded.emit(next(steps))
                self.aborted.emit()
            except StopIteration as end:
                return end.value
            except RuntimeError as gone:  # the signals went with the window: napari notes it in the log
                return gone
        return Outcome(stopped=True)


class Worker(QObject):
    """Exhausts one generator at a time in a thread; its signals arrive on the GUI thread.

    What was cancelled is let go at once: whatever it still reports is ignored, so that nothing of it reaches the session,
    and its thread ends at the generator's next step. It is asked by a flag and not by the napari worker's `quit`, which would
    leave the generator hanging, its clean-up undone.

    Parameters
    ----------
    failure
        Begins the message of an error that nobody wrote for the person: ``"The model stopped"``.
    parent
        Of the Qt object.
    """

    progressed = Signal(object)
    """A step: what the generator yielded."""
    finished = Signal(object)
    """What the generator returned."""
    failed = Signal(str)
    """A sentence for the person."""
    cancelled = Signal()

    def __init__(self, failure: str = "This failed", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._failure = failure
        self._worker: _Thread | None = None
        self._stop = threading.Event()

    @property
    def running(self) -> bool:
        """Whether work goes on that has not been cancelled."""
        return self._worker is not None

    def start(self, begin: Callable[[], Steps[Any]], subject: str = "") -> None:
        """Make a generator and exhaust it, both in a thread; it takes the place of the one before.

        Parameters
        ----------
        begin
            Makes the generator.
        subject
            What is worked on, for the log.
        """
        self._let_go()
        self._stop = threading.Event()
        worker = _Thread(exhaust(begin, self._stop, self._failure, subject))
        for signal, slot in self._slots(worker):
            signal.connect(slot)
        self._worker = worker
        _make_room()
        worker.start()

    def cancel(self) -> bool:
        """Let the work go; whether there was any."""
        was_running = self._let_go()
        if was_running:
            self.cancelled.emit()
        return was_running

    def abandon(self) -> None:
        """Ask the work to stop, without a word to anyone: the window is going."""
        self._stop.set()

    def _let_go(self) -> bool:
        worker, self._worker = self._worker, None
        if worker is None:
            return False
        self._stop.set()
        for signal, slot in self._slots(worker):
            signal.disconnect(slot)
        return True

    def _slots(self, worker: _Thread) -> tuple[tuple[Any, Callable[..., None]], ...]:
        return (
            (worker.yielded, self._on_yielded),
            (worker.returned, self._on_returned),
            (worker.aborted, self._on_aborted),
        )

    def _on_yielded(self, step: object) -> None:
        if not self._stop.is_set():  # what was already in Qt's queue when it was cancelled
            self.progressed.emit(step)

    def _on_returned(self, outcome: Outcome) -> None:
        if self._stop.is_set():
            return
        self._worker = None
        if outcome.message is not None:
            self.failed.emit(outcome.message)
        elif outcome.stopped:
            self.cancelled.emit()
        else:
            self.finished.emit(outcome.result)

    def _on_aborted(self) -> None:
        """Napari stopped it: the window closes."""
        self._stop.set()
        self._worker = None
        self.cancelled.emit()
