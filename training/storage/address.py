"""What a person types for a place on a server, and how it is shown: never with what is secret in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import LungmtlError, printable

S3, SFTP, HTTP = "s3", "sftp", "http"
_KINDS = {"s3": S3, "ssh": SFTP, "sftp": SFTP, "http": HTTP, "https": HTTP}
_OTHERS = frozenset({"abfs", "abfss", "az", "ftp", "gcs", "gs", "hdfs", "smb", "webdav"})
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(/{1,2})(?=[^/])")  # a drive of Windows has one letter


class StorageError(LungmtlError):
    """A place on a server cannot be read or written; the message names it and says what to do."""


@dataclass(frozen=True)
class Address:
    """A place on a server.

    Parameters
    ----------
    scheme
        ``s3``, ``ssh``, ``sftp``, ``http`` or ``https``.
    host
        Or bucket.
    path
        Without a slash at its beginning and end.
    port, user
        As they were given.
    password, query
        As they were given; neither is ever shown, for signed addresses are passwords too.
    """

    scheme: str
    host: str
    path: str
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    query: str = field(default="", repr=False)

    @property
    def kind(self) -> str:
        """Which file system it is of: `S3`, `SFTP` or `HTTP`."""
        return _KINDS[self.scheme]

    @property
    def shown(self) -> str:
        """What a person reads, files and logs hold."""
        user = f"{self.user}@" if self.user else ""
        return f"{self.scheme}://{user}{self._server}/{self.path}"

    def __str__(self) -> str:
        return self.shown

    @property
    def _server(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def name(self) -> str:
        """The last part, as a local file may be called."""
        name = self.path.rpartition("/")[2]
        name = unquote(name) if self.kind == HTTP else name
        return name if name not in ("", ".", "..") and not re.search(r"[/\\\0]", name) else "study"

    @property
    def key(self) -> str:
        """What the file system calls it."""
        if self.kind == S3:
            return f"{self.host}/{self.path}".rstrip("/")
        if self.kind == SFTP:
            return f"/{self.path}"
        return f"{self.scheme}://{self._server}/{self.path}{'?' if self.query else ''}{self.query}"

    @property
    def local(self) -> Path:
        """It as a `Path`, which keeps one of its two slashes: what images and results have as their source."""
        return Path(self.shown)

    def below(self, *names: str) -> Address:
        """Go down by names."""
        return replace(self, path="/".join(filter(None, (self.path, *names))))

    @property
    def above(self) -> Address:
        """The folder that it is in."""
        return replace(self, path=self.path.rpartition("/")[0])


def address_of(path: Path | str | Address) -> Address | None:
    """Tell whether a path is a place on a server; None for what is local.

    Parameters
    ----------
    path
        As a person typed it. A `Path` has lost one of the two slashes, which is no matter.

    Raises
    ------
    StorageError
        It is of a kind that is not read here, or names no server.
    """
    if isinstance(path, Address):
        return path
    text = path if isinstance(path, str) else path.as_posix()
    found = _SCHEME.match(text)
    if found is None:
        return None
    scheme = found[1].lower()
    if scheme not in _KINDS:
        if scheme in _OTHERS:
            raise StorageError(
                f"{scheme}:// is not read here: s3://, ssh://, sftp://, http:// and https:// are; copy the study to one of "
                "them, or to this machine."
            )
        return None
    rest = text[found.end() :]
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = parts.hostname or "", parts.port
    except ValueError as error:  # such as a port that is no number
        raise StorageError(f"This {scheme}:// address cannot be read ({error}): correct it.") from None
    if not host:
        raise StorageError(f"This {scheme}:// address names no server: write {scheme}://server/folder.")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if _KINDS[scheme] == S3:
        if user or password:
            raise StorageError(
                f"Keys do not belong into the address s3://{host}: put them into ~/.aws/credentials or the environment."
            )
        host = rest.partition("/")[0]  # names of buckets are told apart by case
        return Address(scheme, host, rest.partition("/")[2].strip("/"))
    path_part = parts.path
    if _KINDS[scheme] == SFTP:  # there ? and # are letters of names
        path_part = rest.partition("/")[2]
        return Address(scheme, host, path_part.strip("/"), port, user, password)
    return Address(scheme, host, path_part.strip("/"), port, user, password, parts.query)


def is_remote(path: Path | str) -> bool:
    """Whether a path is a place on a server."""
    return address_of(path) is not None


def lasting(path: Path | str) -> str:
    """Give a path as a file may hold it that is read from another folder: as `shown`, and whole."""
    try:
        local = address_of(path) is None
    except StorageError:
        local = False
    return str(Path(path).absolute()) if local else shown(path)


def shown(path: Path | str) -> str:
    """Give a path as a person may read it: an address without its password."""
    try:
        address = address_of(path)
    except StorageError:  # of a kind that is not read here
        return printable(str(path))
    return str(path) if address is None else address.shown
