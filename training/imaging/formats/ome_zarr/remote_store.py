"""A zarr store on a server: reads only, and remembers which chunks are not there, which zarr fills without a word."""

from __future__ import annotations

from typing import Any

from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from zarr.abc.store import ByteRequest, RangeByteRequest, SuffixByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import FsspecStore

from ....storage.address import Address
from ....storage.filesystem import is_refused, open_filesystem, telling
from ...errors import TruncatedFileError

METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")


class RemoteStore(FsspecStore):
    """The chunks below an address.

    Parameters
    ----------
    address
        Of the store.
    """

    def __init__(self, address: Address) -> None:
        self._system = open_filesystem(address)
        super().__init__(_asynchronous(self._system), read_only=True, path=address.key)
        self.address = address
        self.missing: set[str] = set()
        self.blosc = False
        """Whether whole chunks are compressed by Blosc, which reads on beyond the end of one that is cut off."""

    def with_read_only(self, read_only: bool = False) -> RemoteStore:
        """Stay what it is: what is missing is remembered in one place."""
        assert read_only
        return self

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """Read a chunk, a part of one, or metadata."""
        is_metadata = key.rpartition("/")[2] in METADATA
        with telling(self.address.below(key)):
            if (
                system := open_filesystem(self.address)
            ) is not self._system:  # the connection was lost, and made again
                self._system, self.fs = system, _asynchronous(system)
            try:
                value = await super().get(key, prototype, byte_range)
            except Exception as error:
                if is_metadata and is_refused(
                    error
                ):  # as S3 says of what is not there to whoever may not list it
                    return None
                raise
            if value is not None and byte_range is not None:
                value = _asked_for(value, byte_range)
        if is_metadata:
            return value
        if value is None:
            self.missing.add(key)
        elif self.blosc and byte_range is None:
            _require_whole(value, self.address.below(key))
        return value


def _asynchronous(system: Any) -> Any:
    """Its threads wait for the server; each fsspec file system keeps the loop and the connections that are its own."""
    return AsyncFileSystemWrapper(system, asynchronous=True)


def _asked_for(value: Buffer, byte_range: ByteRequest) -> Buffer:
    """The part that was asked for, also where a server gave the whole: plain web servers know no ranges."""
    if isinstance(byte_range, SuffixByteRequest):
        return value[-byte_range.suffix :] if len(value) > byte_range.suffix else value
    if isinstance(byte_range, RangeByteRequest) and len(value) > byte_range.end - byte_range.start:
        return value[byte_range.start : byte_range.end]
    return value


def _require_whole(value: Any, address: Address) -> None:
    data = value.to_bytes()
    needed = int.from_bytes(data[12:16], "little") if len(data) >= 16 else 16
    if len(data) < needed:
        raise TruncatedFileError(
            f"{address} is cut off: it holds {len(data):,} of {needed:,} bytes; copy the store again."
        )
