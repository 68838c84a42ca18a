"""What came of a future of Dask, whatever happened to the workers and the scheduler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .task import ClusterError

if TYPE_CHECKING:
    from distributed import Future

GONE = "The scheduler went away: start it again, and give the same command again"


@dataclass(frozen=True)
class CameOf:
    """A result, or an error and whether it is that the worker died."""

    result: Any = None
    error: Exception | None = None
    died: bool = False


def came_of(future: Future, more: str = "") -> CameOf:
    """Fetch what came of a future that is done.

    Where the worker that held the result has died since, what it did is done anew, and waited for. Dask's own `as_completed` with
    results would wait for ever when that worker dies too.

    Parameters
    ----------
    more
        Ends the sentence on a scheduler that went away.

    Raises
    ------
    ClusterError
        The scheduler went away.
    """
    from distributed import KilledWorker

    try:
        return CameOf(future.result())
    except Exception as error:
        if future.status != "error":  # cancelled, or done and not to be had: the error is none of the work
            raise ClusterError(f"{GONE}{more}.") from error
        return CameOf(error=error, died=isinstance(error, KilledWorker))
