"""A training that is told to stop: by Ctrl+C, or by the signal of Slurm, Docker, `timeout` and a shutdown (SIGTERM)."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from .processes import is_first

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(SystemExit):
    """Somebody stopped the training: no fault, and no success. The exit status is what shells give for the signal.

    Of several processes the first one tells; the others end without a fault, or Lightning would take their end for a crash and
    kill the first.

    Parameters
    ----------
    number
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        self.number = int(number)
        self.status = 128 + self.number if is_first() else 0
        super().__init__(self.status)


def in_main_thread() -> bool:
    """Whether this thread may say what signals do."""
    return threading.current_thread() is threading.main_thread()


@contextmanager
def stoppable() -> Iterator[None]:
    """Turn SIGTERM and Ctrl+C into `Stopped`, at once; while steps are made, `callbacks.StopSignal` waits for their end."""
    owner = os.getpid()

    def stop(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != owner:  # a child that was forked, as of a loader: it ends as it would without us
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        raise Stopped(number)

    mine = in_main_thread()
    before = signal.signal(signal.SIGTERM, stop) if mine else None
    try:
        yield
    except KeyboardInterrupt as error:
        raise Stopped(signal.SIGINT) from error
    finally:
        if mine:
            signal.signal(signal.SIGTERM, before)


def stop_behind(error: BaseException, asked: int) -> Stopped | None:
    """Find the stop behind what Lightning raised, or None for a fault of its own.

    Parameters
    ----------
    asked
        The signal that asked for a stop, or 0: what fails after it (a loader that was stopped, too) fails because of it.
    """
    from lightning.pytorch.utilities.exceptions import SIGTERMException

    if isinstance(error, Stopped):
        return error
    if asked:
        return Stopped(asked)
    if isinstance(error, SIGTERMException):  # before the first step
        return Stopped(signal.SIGTERM)
    if isinstance(error, KeyboardInterrupt) or (
        isinstance(error, SystemExit) and isinstance(error.__context__, KeyboardInterrupt)
    ):
        return Stopped(signal.SIGINT)
    return None


def is_begun(out: Path) -> bool:
    """Whether a folder holds what `--resume` goes on from: a checkpoint, or finished folds."""
    return (out / "last.ckpt").exists() or any(out.glob("fold*.npz"))


def what_is_kept(out: Path) -> str:
    """Tell a person who stopped a training what is left of it, and how it goes on."""
    if is_begun(out):
        return f"stopped; what is done is kept in {out}: the same command with --resume goes on"
    return f"stopped before anything was kept in {out}: give the same command again"
