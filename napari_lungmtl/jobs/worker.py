"""Run chains of models off the GUI thread: progress, cancel, errors.

Models are loaded in the worker thread as well: importing torch and reading weights take seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from napari.qt.threading import GeneratorWorker, create_worker
from qtpy.QtCore import QObject, Signal

from ..training.errors import LungmtlError
from ..training.findings import Findings
from ..training.inference.predictor import Progress

log = logging.getLogger("napari_lungmtl")

INTERVAL = 0.05
"""Seconds between two reports to the window: every report costs the GUI thread a redraw."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: with findings, with a message, or (both None) cancelled."""

    findings: Findings | None = None
    message: str | None = None


Run = Generator[Progress, None, Findings]


def work(
    begin: Callable[[], Run], name: str, cancelled: threading.Event
) -> Generator[Progress, None, Outcome]:
    """Exhaust a run, never raising.

    An exception that leaves a worker's generator may end the process, so it is caught here and returned.

    Parameters
    ----------
    begin
        Starts the run; called here, in the worker's thread.
    name
        What the log calls the image.
    cancelled
        Looked at after each of the run's steps, also those that are not passed on.

    Yields
    ------
    Progress
        At most one every `INTERVAL` seconds; one with a `note` is never left out.
    """
    yield Progress(0.0, "starting")
    try:
        run = begin()
        try:
            last, found = -INTERVAL, None
            while not cancelled.is_set():
                try:
                    progress = next(run)
                except StopIteration as stop:
                    return Outcome(findings=stop.value)
                if progress.findings is not None:  # perhaps of a step that is not passed on
                    found = progress.findings
                if progress.note or time.monotonic() - last >= INTERVAL:
                    last = time.monotonic()
                    yield replace(progress, findings=found)
                    found = None
        finally:
            run.close()
    except LungmtlError as error:  # written for the person
        log.error("run on %s failed: %s", name, error, exc_info=True)
        return Outcome(message=str(error))
    except Exception as error:
        log.exception("run on %s failed", name)
        return Outcome(
            message=f"The model stopped: {type(error).__name__}: {error}. The log has the details."
        )
    return Outcome()


class Runner(QObject):
    """At most one run at a time; its signals arrive on the GUI thread.

    A cancelled run is let go at once: whatever it still reports is ignored, so that nothing of it reaches the session,
    and its thread ends at the predictor's next step. It is asked by a flag and not by the worker's `quit`, which would
    leave the predictor's generator hanging, its clean-up undone.
    """

    started = Signal()
    progressed = Signal(object)  # Progress
    finished = Signal(object)  # Findings
    failed = Signal(str)
    cancelled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: GeneratorWorker | None = None
        self._flag = threading.Event()

    @property
    def running(self) -> bool:
        """Whether a run goes on that has not been cancelled."""
        return self._worker is not None

    def start(self, begin: Callable[[], Run], name: str) -> None:
        """Start a run on the image of that name; the one before must have ended or been cancelled."""
        if self.running:
            raise RuntimeError("a run is going on")
        self._flag = threading.Event()
        worker = create_worker(work, begin, name, self._flag)
        worker.yielded.connect(self._on_yielded)
        worker.returned.connect(self._on_returned)
        worker.aborted.connect(self._on_aborted)
        self._worker = worker
        self.started.emit()
        worker.start()

    def abandon(self) -> None:
        """Ask a run to stop, without a word to anyone: the window is going."""
        self._flag.set()

    def cancel(self) -> None:
        """Let the run go; nothing happens where there is none."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        self._flag.set()
        for signal, slot in (
            (worker.yielded, self._on_yielded),
            (worker.returned, self._on_returned),
            (worker.aborted, self._on_aborted),
        ):
            signal.disconnect(slot)
        self.cancelled.emit()

    def _on_yielded(self, progress: Progress) -> None:
        if not self._flag.is_set():  # what was already in Qt's queue when the run was cancelled
            self.progressed.emit(progress)

    def _on_returned(self, outcome: Outcome) -> None:
        if self._flag.is_set():
            return
        self._worker = None
        if outcome.findings is not None:
            self.finished.emit(outcome.findings)
        elif outcome.message is not None:
            self.failed.emit(outcome.message)
        else:
            self.cancelled.emit()

    def _on_aborted(self) -> None:
        """Napari stopped it: the window closes."""
        self._flag.set()
        self._worker = None
        self.cancelled.emit()
