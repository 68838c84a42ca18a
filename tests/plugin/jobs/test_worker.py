"""The worker: results and errors come back as they should, what was cancelled is heard of no more."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest
from napari.qt.threading import WorkerBase

from napari_lungmtl.jobs.worker import Outcome, Worker, exhaust, one_step, wait_for_threads
from napari_lungmtl.training.errors import LungmtlError
from napari_lungmtl.training.findings import Findings
from napari_lungmtl.training.inference.predictor import Progress


class PanicException(BaseException):
    """What pyo3 raises for a panic in Rust: no Exception."""


NEWS = Findings(models=({"name": "fake"},))


def passed_on(*steps: Progress) -> list[Progress]:
    """Which of the steps, all made at once, reach the window."""

    def begin():
        yield from steps

    return list(exhaust(begin, threading.Event(), "failed"))


def test_of_quick_steps_the_notes_and_the_findings_are_kept() -> None:
    first, quick, found = Progress(0.1, "a"), Progress(0.2, "a"), Progress(0.3, "a", NEWS)
    note = Progress(0.5, "a", note="went on with the CPU")
    more = Progress(0.4, "a", Findings(models=({"name": "other"},)))
    assert passed_on(first, quick, found, quick, more, quick, note) == [
        first,
        found,
        Progress(0.5, "a", more.findings, "went on with the CPU"),
    ]


def test_a_result_arrives_on_the_gui_thread(qtbot) -> None:
    worker, threads = Worker(), []
    worker.finished.connect(lambda _result: threads.append(threading.get_ident()))
    with qtbot.waitSignal(worker.finished) as finished:
        worker.start(partial(one_step, divmod, 17, 5))
        assert worker.running
    assert finished.args == [(3, 2)]
    assert threads == [threading.get_ident()]
    assert not worker.running


def test_after_a_panic_the_window_works_on(qtbot) -> None:
    def panic() -> None:
        raise PanicException

    worker = Worker("The map failed")
    with qtbot.waitSignal(worker.failed):
        worker.start(partial(one_step, panic))
    assert not worker.running
    with qtbot.waitSignal(worker.finished) as finished:
        worker.start(partial(one_step, divmod, 17, 5))
    assert finished.args == [(3, 2)]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (LungmtlError("scan.nii is damaged: copy it again."), "scan.nii is damaged: copy it again."),
        (KeyError("x"), "The map failed: KeyError: 'x'. The log has the details."),
        (
            PanicException("out of bounds"),
            "The map failed: PanicException: out of bounds. The log has the details.",
        ),
        (
            MemoryError(),
            "This needs more memory than there is: close other programs, or take a smaller image.",
        ),
    ],
)
def test_an_error_becomes_a_sentence(qtbot, error, message) -> None:
    def fail() -> None:
        raise error

    worker = Worker("The map failed")
    with qtbot.waitSignal(worker.failed) as failed:
        worker.start(partial(one_step, fail))
    assert failed.args == [message]


def test_the_generator_that_cannot_be_made_is_told_too(qtbot) -> None:
    worker = Worker()
    with qtbot.waitSignal(worker.failed) as failed:
        worker.start(lambda: 1 / 0)
    assert "ZeroDivisionError" in failed.args[0]


class Endless:
    """Steps until it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __call__(self):
        try:
            while True:
                time.sleep(0.005)
                yield Progress(0.5, "going on")
        finally:
            self.closed.set()


def test_what_is_cancelled_closes_its_generator_and_is_silent(qtbot) -> None:
    worker, endless, heard = Worker(), Endless(), []
    with qtbot.waitSignal(worker.progressed):
        worker.start(endless)
    for signal in (worker.progressed, worker.finished, worker.failed):
        signal.connect(heard.append)
    with qtbot.waitSignal(worker.cancelled):
        assert worker.cancel()
    assert not worker.running
    assert not worker.cancel(), "there is nothing more to cancel"
    qtbot.waitUntil(endless.closed.is_set)
    qtbot.wait(100)
    assert heard == []


def test_new_work_takes_the_place_of_the_old(qtbot) -> None:
    worker, endless = Worker(), Endless()
    with qtbot.waitSignal(worker.progressed):
        worker.start(endless)
    with qtbot.waitSignal(worker.finished) as finished:
        worker.start(partial(one_step, str, 7))
    assert finished.args == ["7"]
    qtbot.waitUntil(endless.closed.is_set)


def test_a_stop_before_the_first_step_is_an_outcome_of_its_own() -> None:
    stop = threading.Event()
    stop.set()
    begun = []
    with pytest.raises(StopIteration) as end:
        next(exhaust(lambda: begun.append(1) or Endless()(), stop, "failed"))
    assert end.value.value == Outcome(stopped=True)
    assert not begun, "to begin may load a model"


def test_the_process_waits_for_what_a_closed_window_left(qtbot) -> None:
    begun, ended = threading.Event(), threading.Event()

    def imports() -> None:
        begun.set()
        time.sleep(0.2)
        ended.set()

    worker = Worker()
    worker.start(partial(one_step, imports))
    qtbot.waitUntil(begun.is_set, timeout=60_000)
    worker.abandon()
    assert wait_for_threads()
    assert ended.is_set()


def test_findings_do_not_wait_for_a_step_that_takes_long() -> None:
    """Boxes of the first network are seen while the second one works."""

    def run():
        yield Progress(0.0, "first")
        yield Progress(0.5, "first", findings=Findings())
        raise AssertionError("the next step was asked for before the findings were passed on")

    steps = exhaust(run, threading.Event(), "failed")
    assert next(steps).findings is None
    assert next(steps).findings == Findings()


@pytest.mark.parametrize("quit_by", ["the flag", "napari"])
def test_what_is_stopped_is_closed_at_its_next_step(qtbot, quit_by) -> None:
    """Not when Python's garbage collection comes by: the window has switched it off while it works."""
    begun, closed = threading.Event(), threading.Event()

    def steps():
        try:
            for _ in range(30_000):
                time.sleep(0.01)
                begun.set()
                yield Progress(0.1, "a", note="passed on")
        finally:
            closed.set()

    worker, hang = Worker(), []
    worker.progressed.connect(hang.append)
    worker.start(steps)
    qtbot.waitUntil(lambda: begun.is_set() and bool(hang))
    hang.append(worker._worker)  # somebody holds on to napari's worker
    worker.abandon() if quit_by == "the flag" else WorkerBase.await_workers()
    qtbot.waitUntil(closed.is_set)
