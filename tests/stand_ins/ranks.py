"""Processes of one training, as a cluster starts them: on this machine, over a free port; none outlives its test."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

import torch

from .ports import free_port

SECONDS = 200
"""Within which a training ends, on a machine that does much else."""


@contextmanager
def ranks(work: Callable[..., object], count: int, *arguments: object) -> Iterator[list[BaseProcess]]:
    """Start processes with a rank each, forks of one that imported everything; none is left at the end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.stand_ins.two_processes", "tests.stand_ins.tiny_trainings"])
    port = free_port()
    processes: list[BaseProcess] = [
        context.Process(target=_run, args=(work, arguments, rank, count, port)) for rank in range(count)
    ]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join()


def finished(processes: Sequence[BaseProcess], seconds: float = SECONDS) -> list[int | None]:
    """Wait for their ends, not for ever; gives exit codes, None for one that hangs."""
    until = time.monotonic() + seconds
    for process in processes:
        process.join(max(until - time.monotonic(), 0))
    return [process.exitcode for process in processes]


def _run(work: Callable[..., object], arguments: Sequence[object], rank: int, count: int, port: int) -> None:
    place = {"LOCAL_RANK": rank, "NODE_RANK": 0, "WORLD_SIZE": count, "MASTER_PORT": port}
    if count > 1:
        os.environ.update({key: str(value) for key, value in place.items()}, MASTER_ADDR="127.0.0.1")
    torch.set_num_threads(1)
    work(*arguments)
