"""Generators off the GUI thread, for all that is no model's run: progress, cancel, errors as sentences."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from napari.qt.threading import GeneratorWorker, create_worker
from qtpy.QtCore import QObject, Signal

from ..training.cohort import CohortError
from ..training.findings.formats.errors import FindingsFileError
from ..training.imaging.errors import ImageError
from ..training.inference.predictor import PredictorError
from ..training.inference.weights import WeightsError
from .worker import INTERVAL

log = logging.getLogger("napari_lungmtl")

Steps = Generator[Any, None, Any]


@dataclass(frozen=True)
class _Outcome:
    result: Any = None
    message: str | None = None
    stopped: bool = False


def _work(make: Callable[[], Steps], stop: threading.Event) -> Generator[Any, None, _Outcome]:
    """Exhaust a generator, never raising: an exception that leaves a worker may end the process."""
    try:
        steps = make()
        try:
            last = -INTERVAL
            while not stop.is_set():
                try:
                    step = next(steps)
                except StopIteration as end:
                    return _Outcome(end.value)
                if time.monotonic() - last >= INTERVAL:
                    last = time.monotonic()
                    yield step
        finally:
            steps.close()
    except (
        CohortError,
        FindingsFileError,
        ImageError,
        PredictorError,
        WeightsError,
    ) as error:  # written for the person
        log.info("%s", error)
        return _Outcome(message=str(error))
    except Exception as error:
        log.exception("work in the background failed")
        return _Outcome(message=f"This failed: {type(error).__name__}: {error}. The log has the details.")
    return _Outcome(stopped=True)


class Background(QObject):
    """One piece of work at a time; a new one takes the place of the old. The signals arrive on the GUI thread.

    What was cancelled is let go at once: whatever it still reports is ignored, and its thread ends at its next step.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: GeneratorWorker | None = None
        self._stop = threading.Event()

    @property
    def running(self) -> bool:
        """Whether work goes on that has not been cancelled."""
        return self._worker is not None

    def start(self, make: Callable[[], Steps]) -> None:
        """Make a generator and exhaust it, both in a thread; its return value comes with `finished`."""
        self.cancel()
        self._stop = threading.Event()
        worker = create_worker(_work, make, self._stop)
        worker.yielded.connect(self._on_yielded)
        worker.returned.connect(self._on_returned)
        worker.aborted.connect(self._on_aborted)
        self._worker = worker
        worker.start()

    def cancel(self) -> bool:
        """Let the work go; whether there was any."""
        worker, self._worker = self._worker, None
        if worker is None:
            return False
        self.abandon()
        for signal, slot in (
            (worker.yielded, self._on_yielded),
            (worker.returned, self._on_returned),
            (worker.aborted, self._on_aborted),
        ):
            signal.disconnect(slot)
        return True

    def abandon(self) -> None:
        """Ask the work to stop, without a word to anyone: the window is going."""
        self._stop.set()

    def _on_yielded(self, step: object) -> None:
        if not self._stop.is_set():  # what was already in Qt's queue when it was cancelled
            self.progressed.emit(step)

    def _on_returned(self, outcome: _Outcome) -> None:
        if self._stop.is_set():
            return
        self._worker = None
        if outcome.message is not None:
            self.failed.emit(outcome.message)
        elif not outcome.stopped:
            self.finished.emit(outcome.result)

    def _on_aborted(self) -> None:
        """Napari stopped it: the window closes."""
        self._stop.set()
        self._worker = None
