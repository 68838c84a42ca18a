"""Whole files on a server: looked for, read, and written so that a reader never meets half of one."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from .address import HTTP, S3, Address, StorageError, address_of
from .filesystem import open_filesystem, telling


def get(address: Address) -> bytes:
    """Read a file.

    Raises
    ------
    StorageError
        It is not there, or the server does not answer.
    """
    with telling(address):
        return bytes(open_filesystem(address).cat_file(address.key))


def put(address: Address, data: bytes) -> None:
    """Write a file; folders above it are made.

    Raises
    ------
    StorageError
        It could not be written; what was there is unchanged.
    """
    require_writable(address)
    with telling(address):
        open_filesystem(address).pipe_file(address.key, data)


def require_writable(address: Address) -> None:
    """Refuse a place that nothing can be written to, by what it is.

    Raises
    ------
    StorageError
        It is on a web server.
    """
    if address.kind == HTTP:
        raise StorageError(
            f"Nothing can be written to {address}: name a folder, or an s3:// or ssh:// address."
        )


def prepare_folder(path: Path) -> None:
    """Have a folder for results: made where it is local or on an SSH server; of S3, the bucket must be there.

    Raises
    ------
    StorageError
        The server does not answer, has no such bucket, or does not let us in.
    OSError
        A local folder could not be made, or may not be written to.
    """
    address = address_of(path)
    if address is None:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):  # permissions alone do not tell of read-only disks
            return
    require_writable(address)
    with telling(address):
        system = open_filesystem(address)
        if address.kind == S3:
            system.ls(address.host)
        else:
            system.makedirs(address.key, exist_ok=True)


def is_there(path: Path) -> bool:
    """Whether there is a file or a folder, here or on a server.

    Raises
    ------
    StorageError
        The server does not answer.
    """
    address = address_of(path)
    if address is None:
        return path.exists()
    with telling(address):
        return bool(open_filesystem(address).exists(address.key))


def for_pyarrow(path: Path) -> tuple[str, Any]:
    """Give a folder as pyarrow's datasets take it: its name, and its file system (None where it is local).

    Of files on a server only those bytes are read that are asked for: fsspec's own files read 5 to 50 MB ahead.
    """
    address = address_of(path)
    if address is None:
        return str(path), None
    from pyarrow import PythonFile
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    place: Address = address

    class Ranges(FSSpecHandler):
        def open_input_file(self, path: str) -> Any:
            return PythonFile(RangeFile(self.fs, path, place), mode="r")

    return address.key, PyFileSystem(Ranges(open_filesystem(address)))


class RangeFile(io.RawIOBase):
    """A file on a server, of which each read is one request for these bytes.

    Parameters
    ----------
    system, path
        Of fsspec.
    address
        Of what errors name.
    """

    def __init__(self, system: Any, path: str, address: Address) -> None:
        self._system, self._path, self._address = system, path, address
        with telling(address):
            self._size = int(system.info(path)["size"])
        self._at = 0

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def seekable(self) -> bool:
        """Whether other places of it can be read."""
        return True

    def tell(self) -> int:
        """Where the next read begins, in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Let the next read begin elsewhere; gives where, in bytes."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, fewer at the end; all that is left without a number.

        Raises
        ------
        StorageError
            The server does not answer, or the file has gone.
        """
        end = self._size if size is None or size < 0 else min(self._at + size, self._size)
        if end <= self._at:
            return b""
        with telling(self._address):
            data = bytes(self._system.cat_file(self._path, start=self._at, end=end))
        self._at += len(data)
        return data
