"""Work off the GUI thread whose results come one by one: cases of folders, and their thumbnails."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from ...jobs.worker import Worker
from ...session.case_notes import CaseNotes, read_notes
from ...session.case_summary import CaseSummary, stored
from ...session.review import passes
from ...session.sidecar import Sidecar
from ...session.thresholds import Thresholds
from ...training.case_list.beside import figures_beside, truth_beside
from ...training.case_list.figures import CaseFigures, hardness
from ...training.case_list.read import is_case_list, read_case_list
from ...training.case_list.row import ListedCase, joined
from ...training.cluster import search as many
from ...training.cluster.search import Conditions, results_of
from ...training.error_boundary import STOPS
from ...training.errors import LungmtlError
from ...training.findings import Findings
from ...training.findings.truth import Truth
from ...training.imaging.find import Unreadable, find_series
from ...training.imaging.paths import stem_of, suffix_of
from ...training.imaging.series import Series
from ...training.storage.address import is_remote
from .case import Case, case_of, case_of_list
from .thumbnail import read_thumbnail

T = TypeVar("T")
BATCH_MS = 100
"""Between two batches: with each the list is put in order and the dock laid out anew."""


class Stream(QObject, Generic[T]):
    """A worker whose results arrive on the GUI thread in batches: none is lost where it reports more than can be drawn."""

    came = Signal(object)  # list[T]
    ended = Signal(str)
    """With a sentence where the work failed."""

    def __init__(self, failure: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._queue: SimpleQueue[T] = SimpleQueue()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(BATCH_MS)
        self._pause.timeout.connect(self._drain)
        self._worker = Worker(failure, self)
        self._worker.progressed.connect(self._on_progress)
        self._worker.finished.connect(lambda _result: self._end(""))
        self._worker.failed.connect(self._end)

    @property
    def running(self) -> bool:
        """Whether more may come."""
        return self._worker.running

    def start(self, results: Callable[[], Iterator[T | None]]) -> None:
        """Take up other work; None is no result, but a point at which it may be stopped."""
        self._pause.stop()
        self._queue = SimpleQueue()
        self._worker.start(partial(_put, results, self._queue))

    def cancel(self) -> bool:
        """Stop; what has come stays. Whether there was work."""
        return self._worker.cancel()

    def abandon(self) -> None:
        """The window is going."""
        self._worker.abandon()

    def _on_progress(self, _step: object) -> None:
        if not self._pause.isActive():
            self._drain()

    def _end(self, message: str) -> None:
        self._pause.stop()
        self._drain()
        self.ended.emit(message)

    def _drain(self) -> None:
        batch: list[T] = []
        while True:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
        if batch:
            self._pause.start()
            self.came.emit(batch)


def _put(results: Callable[[], Iterator[Any]], queue: SimpleQueue[Any]) -> Generator[None, None, None]:
    for result in results():
        if result is not None:
            queue.put(result)
        yield


def search(
    paths: Sequence[Path],
    conditions: Conditions | None = None,
    counted: Callable[[int, int, int, str], object] = lambda *_counts: None,
) -> Iterator[Case | None]:
    """The cases at some paths, with what is saved of them: of folders and files, of evaluations, saved lists and indexes.

    Several lists are joined: a case that is in two of them is there once. The figures of what lies in folders come last, once
    all cases are listed: for them truths are read.

    Parameters
    ----------
    conditions
        Which findings of an index are asked for.
    counted
        Told of an index how many studies are listed, how many findings meet the conditions, how many there are, and what it lacks.
    """
    indexes = {path: results for path in paths if (results := results_of(path)) is not None}
    for results in dict.fromkeys(indexes.values()):
        yield None
        matches = many.search(results, conditions or Conditions())
        yield None  # what was asked for may be something else by now
        counted(len(matches.cases), matches.findings, matches.total, " ".join(matches.problems))
        yield from map(_of_list, matches.cases)
    paths = [path for path in paths if path not in indexes]
    lists = [path for path in paths if is_case_list(path)]
    formats: set[str] = set()
    for listed in joined(list(map(_in_order, lists))):
        if listed.path is not None and (suffix := suffix_of(listed.path)) not in formats:
            formats.add(suffix)
            _import_readers(listed.path)
        yield _of_list(listed)
    judged: list[tuple[Series, Findings, CaseSummary, CaseNotes]] = []
    for path in (path for path in paths if path not in lists):
        for found in find_series(path):
            if isinstance(found, Series):
                findings, summary = stored(found)
                notes = read_notes(Sidecar.of_series(found))
                yield case_of(found, summary, notes=notes)
                if len(findings) or findings.models:
                    judged.append((found, findings, summary, notes))
            else:
                yield case_of(found) if isinstance(found, Unreadable) else None
    for series, findings, summary, notes in judged:
        yield case_of(series, summary, figures_of(findings, truth_beside(findings.image)), notes)


def figures_of(findings: Findings, truth: Truth | None) -> CaseFigures:
    """The figures of findings beside a truth, at the usual thresholds, so that those of all cases compare."""
    return figures_beside(findings, truth, partial(passes, thresholds=Thresholds()))


def searched_words(cases: Sequence[Case], message: str, of_index: bool = False) -> tuple[str, str]:
    """What a person is told when a search has ended, and in which role: nothing where all is well."""
    unreadable = sum(bool(case.problem) for case in cases)
    if message:
        return message, "error"
    if not any(case.series is not None or case.problem for case in cases):
        if of_index:
            return "No finding meets what is asked for above: ask for less, or other words.", "warning"
        return "No scan and no radiograph was found there: choose another folder.", "warning"
    if not unreadable:
        return "", ""
    one = "1 file cannot be read: its row says why."
    return one if unreadable == 1 else f"{unreadable} files cannot be read: their rows say why.", "warning"


def _import_readers(path: Path) -> None:
    """Have the libraries imported that read such files, by one thread: two that begin at once meet half of nibabel."""
    with suppress(LungmtlError):  # which opening it will tell
        next(find_series(path), None)


def _in_order(path: Path) -> list[ListedCase]:
    """The cases of a list: those of an evaluation from the hardest on, those that a person saved as they were."""
    cases = read_case_list(path)
    if path.suffix.lower() == ".json":
        cases.sort(key=lambda case: hardness(case.figures), reverse=True)
    return cases


def _of_list(listed: ListedCase) -> Case:
    """A case without a look into its image, which may be one of thousands: only whether it is there."""
    path = listed.path
    if path is None or not (is_remote(path) or path.exists()):
        return case_of_list(listed, None, CaseSummary(), CaseNotes(listed.tags, listed.note))
    series = Series(listed.series_uid or stem_of(path), path=path)
    notes = read_notes(Sidecar.of_series(series))
    if notes == CaseNotes():
        notes = CaseNotes.typed(listed.tags, listed.note)
    summary = stored(series)[1]
    if listed.saved is not None and summary.findings is None:
        summary = replace(summary, findings=listed.saved.findings, score=listed.saved.score)
    return case_of_list(listed, series, summary, notes)


class Thumbnails(QObject):
    """Makes thumbnails of the cases that are looked at, the last ones asked for first."""

    made = Signal(object, object)  # Case, (h, w) uint8 or None
    MOST = 40
    """Cases that wait; who scrolls past more does not wait for the first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked: set[str] = set()
        self._waiting: deque[Case] = deque(maxlen=self.MOST)
        self._stream: Stream[tuple[Case, np.ndarray | None]] = Stream("Thumbnails cannot be made", self)
        self._stream.came.connect(self._take)
        self._stream.ended.connect(self._go_on)

    def ask(self, case: Case) -> None:
        """Have a case's thumbnail made, unless it is made already or cannot be."""
        if case.series is None or case.problem or case.key in self._asked:
            return
        if case.path is not None and is_remote(case.path):  # all of it would be fetched for a thumbnail
            return
        self._asked.add(case.key)
        if len(self._waiting) == self.MOST:
            self._asked.discard(self._waiting[0].key)  # asked again when it is seen again
        self._waiting.append(case)
        if not self._stream.running:
            self._go_on()

    def forget(self) -> None:
        """Other cases are listed."""
        self._waiting.clear()
        self._asked.clear()
        self._stream.cancel()

    def abandon(self) -> None:
        """The window is going."""
        self._stream.abandon()

    def _go_on(self, _message: str = "") -> None:
        if self._waiting:
            self._stream.start(partial(_thumbnails, self._waiting))

    def _take(self, batch: list[tuple[Case, np.ndarray | None]]) -> None:
        for case, picture in batch:
            self.made.emit(case, picture)


def _thumbnails(waiting: deque[Case]) -> Iterator[tuple[Case, np.ndarray | None]]:
    """Thumbnails of what waits, until nothing does; None of what cannot be read, which says so when it is opened."""
    while True:
        try:
            case = waiting.pop()
        except IndexError:
            return
        assert case.series is not None
        try:
            picture = read_thumbnail(case.series)
        except STOPS:
            raise
        except BaseException:  # codecs in Rust panic with errors that are no Exception
            picture = None
        yield case, picture
