"""What a client may ask a worker for: each function is called there by Dask, with the worker as its last argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..report import UNKNOWN, Report
from ..request import Request
from .jobs import Jobs

if TYPE_CHECKING:
    from distributed import Worker

PLUGIN = "lungmtl-networks"
"""Name of the plugin that holds a worker's jobs."""


def hello(dask_worker: Worker) -> dict[str, Any]:
    """See `Jobs.hello`."""
    return _jobs(dask_worker).hello()


def has(word: str, dask_worker: Worker) -> bool:
    """Whether a job is here."""
    return _jobs(dask_worker).report(word).state != UNKNOWN


def begin(values: dict[str, Any], notes: int, number: int, dask_worker: Worker) -> Report:
    """See `Jobs.begin`."""
    return _jobs(dask_worker).begin(Request(**values), notes, number)


def put(word: str, number: int, piece: bytes, dask_worker: Worker) -> bool:
    """See `Jobs.put`."""
    return _jobs(dask_worker).put(word, number, piece)


def report(word: str, notes: int, number: int, dask_worker: Worker) -> Report:
    """See `Jobs.report`."""
    return _jobs(dask_worker).report(word, notes, number)


def end(word: str, dask_worker: Worker) -> None:
    """See `Jobs.end`."""
    _jobs(dask_worker).end(word)


def _jobs(worker: Any) -> Jobs:
    return worker.plugins[PLUGIN].jobs
