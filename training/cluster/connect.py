"""Workers: processes of this machine, or a Dask cluster that somebody runs."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import resource_tracker
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from ..extras import missing_extra
from . import local_worker
from .task import ClusterError

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

THREADS = 2
"""Of a worker: one study is in the networks while the next is read."""
IDLE = {
    "distributed.admin.tick.interval": "1s",  # of 20 ms, by which each process sees whether it is late
    "distributed.worker.profile.enabled": False,  # a look at each worker's stack every 10 ms, for pages that are not served
}
"""Without these, processes that wait take a twentieth of a core."""
SETTINGS = {
    **IDLE,
    "distributed.scheduler.allowed-failures": 0,  # a dead worker is told at once: tries are counted by the client
    "distributed.deploy.lost-worker-timeout": "2 minutes",  # of 15 s, within which a loaded machine starts no process anew
    "distributed.admin.low-level-log-length": 100,  # of 1000 messages that are kept in memory for each connection
}
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
"""Variables by which libraries are told how many threads they may use."""
REPLACE_S = 5.0
"""Seconds after which workers that are lost for good are replaced: Dask gives one up that dies while it starts."""
GPU = "GPU"
"""The tag of workers that have one."""


def require_cluster() -> None:
    """See that what the extra ``cluster`` brings is there.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        for package in ("cryptography", "distributed", "locket", "pyarrow"):
            import_module(package)
    except ImportError as error:
        raise missing_extra(error) or error from error


@contextmanager
def local_workers(count: int, device: str = "auto") -> Iterator[Client]:
    """Start processes on this machine, each with one model store, and end them with the context.

    They talk by TLS, with certificates that last as long: who else is on this machine could have them run anything otherwise.

    Parameters
    ----------
    count
        How many.
    device
        Where networks run; workers for a GPU bear the tag `GPU`, and share it.
    """
    import dask
    from distributed import Client, LocalCluster

    with dask.config.set(SETTINGS), ExitStack() as ends:
        with interrupt_held_back():
            cluster = ends.enter_context(
                LocalCluster(
                    n_workers=count,
                    threads_per_worker=THREADS,
                    processes=True,
                    host="127.0.0.1",
                    security=True,
                    dashboard_address="127.0.0.1:0",
                    resources={GPU: 1} if on_gpu(device) else None,
                    env=dict.fromkeys(ONE_THREAD, "1"),
                    preload=[*dask.config.get("distributed.worker.preload"), local_worker.__name__],
                    silence_logs=logging.CRITICAL,  # what a person must know is in the rows
                )
            )
            client = ends.enter_context(Client(cluster))
            ends.enter_context(_replaced(cluster, count))
        try:
            yield client
        finally:
            with interrupt_held_back():
                ends.close()


@contextmanager
def interrupt_held_back() -> Iterator[None]:
    """Let Ctrl+C wait until the context ends, and processes that are started in it never see one.

    Dask's cluster cannot be ended while it begins or ends; and whom a terminal interrupts while it still loads its libraries
    fills the terminal.

    Raises
    ------
    KeyboardInterrupt
        Ctrl+C was pressed meanwhile.
    """
    before = signal.getsignal(signal.SIGINT)
    # Nobody can hold it back in another thread; and what runs in a shell's background hears none.
    if threading.current_thread() is not threading.main_thread() or before in (None, signal.SIG_IGN):
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        with children_not_interrupted():
            yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


@contextmanager
def children_not_interrupted() -> Iterator[None]:
    """Keep Ctrl+C, which a terminal sends to all processes, from those that this thread starts in the context."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # started later, it would let signals through again
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _replaced(cluster: LocalCluster, count: int) -> Iterator[None]:
    """Have as many workers as were asked for, however they go: without any, a run would wait for ever."""
    end = Event()

    def replace() -> None:
        while not end.wait(REPLACE_S):
            cluster.scale(count)  # starts those that are not there

    thread = Thread(target=replace, daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


@contextmanager
def running_cluster(
    where: str, tell: Callable[[str], object], wait: float = 60.0, wait_for_workers: float = 5.0
) -> Iterator[Client]:
    """Connect to a scheduler; it and its workers stay when the context ends.

    Workers may come later: batch systems start them when there is work, and a job may wait for hours.

    Parameters
    ----------
    where
        An address (``tcp://host:8786``, or ``tls://…`` with the certificates that Dask's configuration names), or the
        scheduler's file.
    tell
        Gets a sentence where there are no workers yet.
    wait, wait_for_workers
        Seconds to wait for the scheduler, and for a first worker.

    Raises
    ------
    ClusterError
        There is none.
    """
    import dask
    from distributed import Client

    file = Path(where)
    options: dict[str, Any] = {"scheduler_file": str(file)} if file.is_file() else {"address": where}
    if "://" not in where and not file.is_file():
        raise ClusterError(f"{where} is neither a scheduler's file nor an address such as tcp://host:8786.")
    try:
        with dask.config.set(SETTINGS):
            client = Client(**options, timeout=wait, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"no scheduler answers at {where}: start one with 'dask scheduler', or correct the address ({error})"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=wait_for_workers)
        except TimeoutError:
            tell(
                f"the scheduler at {where} has no workers yet: nothing is done until some come. Where no batch system starts them, "
                f"do so with 'dask worker {where} --nthreads {THREADS}'"
            )
        yield client


def on_gpu(device: str) -> bool:
    """Whether a device that was asked for is a GPU."""
    return device.startswith(("cuda", "mps"))


def dashboard_of(client: Client) -> str:
    """Give the address of the scheduler's dashboard; empty where bokeh, which draws it, is not installed."""
    return (client.dashboard_link or "") if find_spec("bokeh") is not None else ""
