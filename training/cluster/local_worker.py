"""A preload of Dask for workers of this machine: Ctrl+C is for the client, which ends them itself."""

from __future__ import annotations

import signal


def dask_setup(_worker: object) -> None:
    """Ignore Ctrl+C, which a terminal sends to all processes; Dask calls this in each new worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
