"""SFTP that knows whom it speaks to: fsspec's own trusts any server that it meets for the first time."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

from .address import Address

SECONDS = 20
"""How long a server may take to answer."""


class KnownHosts(SFTPFileSystem):
    """Files over SSH from servers of ``~/.ssh/known_hosts``, with names, users and keys of ``~/.ssh/config`` and the agent.

    One request at a time: paramiko mixes up answers that several threads wait for.
    """

    cachable = False

    def _connect(self) -> None:
        self.lock = threading.RLock()
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        self.client.connect(
            self.host, timeout=SECONDS, banner_timeout=SECONDS, auth_timeout=SECONDS, **self.ssh_kwargs
        )
        self.ftp = self.client.open_sftp()
        channel = self.ftp.get_channel()
        if channel is not None:  # without, a line that falls silent is waited for until the end of days
            channel.settimeout(SECONDS)

    @property
    def is_connected(self) -> bool:
        """Whether the server was there when last asked."""
        transport = self.client.get_transport()
        return transport is not None and transport.is_active()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One request; after an answer that did not come, the next one could be its answer: the connection is given up."""
        with self.lock:
            try:
                yield
            except TimeoutError:
                self.client.close()
                raise

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Read a file, or a part of it."""
        with self._alone():
            return super().cat_file(path, start=start, end=end, **kwargs)

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write a file beside its place, then put it there."""
        target = self._strip_protocol(path)
        partial = f"{self._parent(target)}/.lungmtl-{uuid.uuid4().hex}.tmp"
        with self._alone():
            self.makedirs(self._parent(target), exist_ok=True)
            try:
                with self.ftp.open(partial, "wb") as file:
                    file.write(value)
                self.ftp.posix_rename(partial, target)
            except BaseException:
                with suppress(Exception):  # of a server that is gone
                    self.ftp.remove(partial)
                raise

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Look at a file or a folder."""
        with self._alone():
            return super().info(path)

    def ls(self, path: str, detail: bool = False, **kwargs: Any) -> list[Any]:
        """List a folder."""
        with self._alone():
            return super().ls(path, detail=detail)


def options_of(address: Address) -> dict[str, Any]:
    """Look up how a server is reached: the address, then ``~/.ssh/config``, then what paramiko takes by itself."""
    config = paramiko.SSHConfig()
    file = Path.home() / ".ssh" / "config"
    if file.is_file():
        config = paramiko.SSHConfig.from_path(str(file))
    known = config.lookup(address.host)
    options: dict[str, Any] = {
        "host": known.get("hostname", address.host),
        "port": address.port or int(known.get("port", 22)),
    }
    if user := address.user or known.get("user", ""):
        options["username"] = user
    if address.password:
        options["password"] = address.password
    if files := known.get("identityfile"):
        options["key_filename"] = [file for file in files if Path(file).is_file()]
    return options
