"""A connection to the workers of a server, in a thread of its own: calls give futures, so that nobody hangs on a dead line."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

from ...extras import missing_extra
from ..key_file import Key
from .probe import probe

log = logging.getLogger(__name__)

T = TypeVar("T")
CONNECTING = 10.0
"""Seconds until a server that does not answer counts as not there."""
CLOSING = 2.0
LAST = 60.0
LOOKING = 1.0
"""Seconds after which it is looked whether a worker that does not answer is there at all."""


class GoneError(Exception):
    """The process that had a job has died, or has forgotten it."""


def require_remote() -> None:
    """See that what the extra ``cluster`` brings is there.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        for package in ("distributed", "numcodecs"):
            import_module(package)
    except ImportError as error:
        raise missing_extra(error) or error from error


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The event loop of all links, in a thread that lasts as long as the process: what is hung up may take its time."""
    loop = asyncio.new_event_loop()
    # What Dask's own tasks raise after somebody has hung up is for the log: who asked has had his answer.
    loop.set_exception_handler(lambda _, context: log.debug("%s", context.get("message")))
    threading.Thread(target=loop.run_forever, name="lungmtl-links", daemon=True).start()
    return loop


class Link:
    """Talks to a server from another thread.

    Parameters
    ----------
    key
        Of the server.
    """

    def __init__(self, key: Key) -> None:
        require_remote()
        self.key = key
        self._client: Any = None
        self._open_client = AsyncExitStack()

    def open(self) -> Future[None]:
        """Connect, in place of a connection before.

        The future raises RemoteError where that is refused, and OSError where nobody answers.
        """
        return self._soon(self._open())

    def ask(self, function: Callable[..., Any], *args: Any, worker: str = "") -> Future[Any]:
        """Call a function of `server.calls` on a worker, or on all where none is named.

        The future gives what the worker says, of several a dict by worker. It raises GoneError where the worker is,
        and OSError where the connection is lost.
        """
        return self._soon(self._ask(function, args, worker))

    def close(self, last: Callable[..., Any], *args: Any, worker: str) -> None:
        """Call a last function on a worker, if one is named, and hang up.

        It is not waited for long: where the connection is lost, the call is tried for another minute in the background.
        """
        with suppress(TimeoutError):
            self._soon(self._close(last, args, worker)).result(CLOSING)

    def _soon(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, _loop())

    async def _open(self) -> None:
        from distributed import Client

        await self._hang_up()
        await asyncio.get_running_loop().run_in_executor(None, probe, self.key)
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # the person is told in sentences
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # versions are compared by what answers
            client = Client(
                self.key.address,
                security=self.key.security(),
                asynchronous=True,
                set_as_default=False,
                timeout=CONNECTING,
            )
            try:
                self._client = await self._open_client.enter_async_context(client)
            except BaseException:
                client.status = "closed"  # see `_hang_up`
                raise

    async def _ask(self, function: Callable[..., Any], args: tuple[Any, ...], worker: str) -> Any:
        if self._client is None or self._client.status != "running":
            raise OSError("the connection is lost")
        answer = asyncio.ensure_future(
            self._client.run(function, *args, workers=[worker] if worker else None)
        )
        try:
            while not (await asyncio.wait([answer], timeout=LOOKING))[0]:
                if worker and await self._has_lost(worker):
                    raise GoneError
            return answer.result()[worker] if worker else answer.result()
        except OSError as error:
            if worker and await self._has_lost(worker, looks=10):  # it takes the scheduler a moment to know
                raise GoneError from error
            raise
        finally:
            answer.cancel()

    async def _has_lost(self, worker: str, looks: int = 1) -> bool:
        """Whether the scheduler is there and the worker is not; Dask itself would wait for it for half a minute."""
        for look in range(looks):
            await asyncio.sleep(0.2 * bool(look))
            try:
                there = await asyncio.wait_for(self._client.scheduler.identity(), CLOSING)
            except OSError:
                return False
            if worker not in there["workers"]:
                return True
        return False

    async def _close(self, last: Callable[..., Any], args: tuple[Any, ...], worker: str) -> None:
        end = time.monotonic() + LAST
        while worker and time.monotonic() < end:
            try:
                if self._client is None or self._client.status != "running":
                    await self._open()
                await asyncio.wait_for(self._ask(last, args, worker), CONNECTING)
            except OSError:
                await asyncio.sleep(1)
            except Exception:  # the worker, the key or the other version: nothing is left to be told there
                break
            else:
                break
        await self._hang_up()

    async def _hang_up(self) -> None:
        client, self._client = self._client, None
        opened, self._open_client = self._open_client, AsyncExitStack()
        with suppress(Exception):  # told that something is wrong, Dask does not wait for the other side
            await asyncio.wait_for(opened.__aexit__(OSError, OSError(), None), CLOSING)
        if (
            client is not None
        ):  # where closing failed, its finalizer would try again and raise in whichever thread that is
            client.status = "closed"
