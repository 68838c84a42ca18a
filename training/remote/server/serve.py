"""A scheduler and a worker for each device, which talk to nobody who does not hold the key file."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from socket import gethostname

from ...cluster import local_worker
from ...cluster.connect import IDLE, children_not_interrupted
from ..key_file import SUFFIX, TLS, Key, RemoteError, write_key
from .certificates import certificates_in

PORT = 8786
"""Dask's own."""
LOOPBACK = "127.0.0.1"
_SETTINGS = {
    "distributed.scheduler.http.routes": [],  # pages of figures, which would be open to everybody
    "distributed.worker.http.routes": [],
    "distributed.nanny.pre-spawn-environ": {},  # Dask's own gives each worker one core
    "distributed.worker.memory.terminate": False,  # an image may need what it needs
    "distributed.worker.memory.pause": False,
    **IDLE,
}


@dataclass(frozen=True)
class Settings:
    """How networks are served.

    Parameters
    ----------
    folder
        Of certificates and key file.
    host, port
        Where the server listens.
    address
        Host, or host and port, as clients reach it; empty for the host that it listens on, or this machine's name.
    devices
        A worker for each.
    shared
        Folders that clients see under the same path.
    """

    folder: Path
    host: str = LOOPBACK
    port: int = PORT
    address: str = ""
    devices: Sequence[str] = ("auto",)
    shared: Sequence[Path] = ()


@dataclass(frozen=True)
class Serving:
    """A server that runs: where it listens, and its key file."""

    address: str
    key_file: Path
    key: Key


def serve(settings: Settings, ready: Callable[[Serving], None]) -> None:
    """Serve networks until Ctrl+C, or until somebody ends the process.

    Parameters
    ----------
    settings
        How.
    ready
        Called when clients can come.

    Raises
    ------
    RemoteError
        The port is taken, or the certificates cannot be used.
    """

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError):  # Windows: Ctrl+C raises KeyboardInterrupt
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, stop.set)
        async with serving(settings) as server:
            ready(server)
            await stop.wait()

    asyncio.run(run())


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Serving]:
    """Serve networks while the context lasts.

    Raises
    ------
    RemoteError
        The port is taken, or the certificates cannot be used.
    """
    import dask
    from distributed import Nanny, Scheduler

    from .plugin import NetworksPlugin

    certificates = certificates_in(settings.folder)
    security = certificates.security()
    shared = tuple(str(folder.absolute()) for folder in settings.shared)
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with dask.config.set(_SETTINGS):
        async with AsyncExitStack() as stack:
            try:
                scheduler = await stack.enter_async_context(
                    Scheduler(
                        host=_in_brackets(settings.host),
                        port=settings.port,
                        protocol="tls://",
                        security=security,
                        dashboard=False,
                        dashboard_address=f"{LOOPBACK}:0",
                    )
                )
            except (OSError, ValueError, RuntimeError) as error:
                why = error.__cause__ or error  # Dask only says that it has failed
                raise RemoteError(
                    f"{_in_brackets(settings.host)}:{settings.port} cannot be listened on ({why}): "
                    "take another port, or end what has it."
                ) from error
            scheduler.http_server.stop()
            inside = f"{TLS}{_reached_from_here(settings.host)}:{scheduler.port}"
            with children_not_interrupted():
                for device in settings.devices:
                    await stack.enter_async_context(
                        Nanny(
                            inside,
                            host=LOOPBACK,
                            nthreads=1,
                            name=device,
                            security=security,
                            memory_limit=None,
                            silence_logs=logging.ERROR,
                            dashboard=False,
                            dashboard_address=f"{LOOPBACK}:0",
                            preload=[*dask.config.get("distributed.worker.preload"), local_worker.__name__],
                            plugins=(NetworksPlugin(device, shared),),
                        )
                    )
            # Of a second server on this machine the key is another one.
            name = gethostname() if scheduler.port == PORT else f"{gethostname()}-{scheduler.port}"
            key = Key(
                name,
                address_for_clients(settings, scheduler.port),
                certificates.authority,
                certificates.client,
                certificates.client_secret,
                shared,
            )
            path = settings.folder / f"{name}{SUFFIX}"
            write_key(key, path)
            yield Serving(f"{TLS}{_in_brackets(settings.host)}:{scheduler.port}", path, key)


def _reached_from_here(host: str) -> str:
    """Where workers of this machine find the scheduler."""
    if not _is_any(host):
        return _in_brackets(host)
    return "[::1]" if ":" in host else LOOPBACK


def _is_any(host: str) -> bool:
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return not host


def _in_brackets(host: str) -> str:
    """A host in front of a port: the colons of IPv6 are not that of the port."""
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


def address_for_clients(settings: Settings, port: int) -> str:
    """How clients call a server that listens on a port."""
    given = settings.address
    if not given:
        given = gethostname() if _is_any(settings.host) else settings.host
    given = _in_brackets(given)
    return f"{TLS}{given}" if re.search(r":\d+$", given) else f"{TLS}{given}:{port}"
