"""The client of a run: a window of studies slides over all that are found, and what comes back is handed on.

Whose worker dies is tried again: at first in its turn, then beside nothing else in any worker, and at last with nothing else in
the cluster, so that a study which takes its worker with it is told from those that were only beside it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..error_boundary import sentence
from .came_of import came_of
from .connect import GPU, on_gpu
from .on_server.predict import predict_place
from .task import FAILED, ClusterError, Options, Outcome, Place, Study
from .worker import predict_study

if TYPE_CHECKING:
    from distributed import Client, Future

AHEAD = 3
"""Studies that wait or run for each thread of the cluster: no worker waits for the client, and nobody remembers more."""
TRIES = 3
_RECOUNT = 5.0
"""Seconds after which workers are counted again: they come and go."""

Task = Study | Place
Work = Callable[[Any, Options], Outcome | tuple[Outcome, ...]]


def predict_task(task: Task, options: Options) -> Outcome | tuple[Outcome, ...]:
    """Predict a study, or all that are in a place on a server."""
    return predict_place(task, options) if isinstance(task, Place) else predict_study(task, options)


@dataclass
class ClusterRun:
    """Many studies on a cluster.

    Parameters
    ----------
    client
        Of the cluster.
    options
        What is done with every study.
    take
        Is given each outcome, in the order in which they come.
    work
        What a worker does.
    """

    client: Client
    options: Options
    take: Callable[[Outcome], object]
    work: Work = predict_task
    _running: dict[Future, Task] = field(default_factory=dict)
    _full: str = ""
    _counted: tuple[float, int, int] = (float("-inf"), 1, 1)

    def predict(self, found: Iterable[Task | Outcome]) -> None:
        """Predict all studies that are found; outcomes among them are handed on.

        Raises
        ------
        ClusterError
            The scheduler went away, or the disk is full; what is done is done, and the same run goes on from there.
        """
        try:
            again = self._lap(found, lambda: AHEAD * self._count()[0])
            again = self._lap(again, lambda: self._count()[1])
            for study in self._lap(again, lambda: 1):
                self.take(_given_up(study))
        finally:
            with suppress(Exception):  # the scheduler may be what went
                self.client.cancel(list(self._running))
            self._running.clear()
        if self._full:
            raise ClusterError(
                f"{self._full} Then give the same command again: what is done is not done again."
            )

    def _lap(self, found: Iterable[Task | Outcome], limit: Callable[[], int]) -> list[Task]:
        """Run studies, never more than the limit at once, and give those whose worker died."""
        from distributed import as_completed

        again: list[Task] = []
        source = iter(found)
        done = as_completed(loop=self.client.loop)
        self._fill(source, done, limit)
        for future in done:
            study = self._running.pop(future)
            outcomes = self._outcomes(study, future)
            if outcomes is None:
                again.append(study)
            for outcome in outcomes or ():
                self._full = self._full or (outcome.sentence if outcome.full else "")
                self.take(outcome)
            del future
            self._fill(source, done, limit)
        return again

    def _fill(self, source: Iterator[Task | Outcome], done: Any, limit: Callable[[], int]) -> None:
        """Submit studies until the window is full; none more when the disk is."""
        while not self._full and len(self._running) < limit():
            found = next(source, None)
            if found is None:
                return
            if isinstance(found, Outcome):
                self.take(found)
                continue
            future = self.client.submit(
                self.work,
                found,
                self.options,
                key=f"study-{uuid.uuid4().hex}",
                # Two studies share a GPU: one in the networks, one being read.
                resources={GPU: 0.5} if on_gpu(self.options.device) else None,
                pure=False,
            )
            self._running[future] = found
            done.add(future)

    def _outcomes(self, study: Task, future: Future) -> tuple[Outcome, ...] | None:
        """What came of a future; None where its worker died."""
        came = came_of(future, "; what is done is not done again")
        if came.died:
            return None
        if came.error is not None:
            return (Outcome(study.label, FAILED, sentence(came.error, study.label)),)
        return (came.result,) if isinstance(came.result, Outcome) else tuple(came.result)

    def _count(self) -> tuple[int, int]:
        """Threads and workers of the cluster, at least one."""
        at, threads, workers = self._counted
        if time.monotonic() - at > _RECOUNT:
            found = self.client.nthreads()
            threads, workers = max(sum(found.values()), 1), max(len(found), 1)
            self._counted = time.monotonic(), threads, workers
        return threads, workers


def _given_up(study: Task) -> Outcome:
    return Outcome(
        study.label,
        FAILED,
        f"{study.label}: its worker died {TRIES} times, at last with nothing else to do: it may need more memory than a worker "
        "has. Start fewer workers, or look into the workers' log.",
        row={**study.row, "tries": TRIES},
    )
