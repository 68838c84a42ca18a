"""Work on many scans by processes of this machine: each result as it comes, and nothing left behind when the first dies."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from .errors import DatasetError

Item = TypeVar("Item")
Result = TypeVar("Result")
BYTES = 3e9
"""Memory that a whole scan takes at most while it is worked on."""
LEAST = 4
"""Scans for each process: starting one takes as long as some scans."""


def count_for(items: int) -> int:
    """How many processes so much work is worth, on this machine's cores and memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        room = int(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / BYTES)
    except (AttributeError, OSError, ValueError):  # Windows, and macOS for the first
        room = cores
    return max(1, min(cores, room, items // LEAST))


def each(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int | None = None
) -> Iterator[tuple[Item, Result]]:
    """Do work on items; with one process, here.

    Parameters
    ----------
    work
        A function of a module; each process uses one thread.
    items, processes
        What to work on, and by how many; None leaves that to `count_for`.

    Yields
    ------
    tuple
        An item and its result, in the order in which they come.

    Raises
    ------
    DatasetError
        A process died.
    """
    processes = count_for(len(items)) if processes is None else processes
    if processes < 2:
        yield from ((item, work(item)) for item in items)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(items)), context, _begin)
    try:
        futures = {pool.submit(work, item): item for item in items}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise DatasetError(
            "A process that prepares scans died, as one does that needs more memory than there is: give the same command again, "
            "what is done is not done again."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    """One thread for each process, which ends with the one that started it, however that ends."""
    import SimpleITK as sitk
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
