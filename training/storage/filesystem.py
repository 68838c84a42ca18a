"""File systems of servers by fsspec, and what a person is told when one of them does not answer.

Credentials come from where the libraries look for them: ``AWS_*`` and ``~/.aws``, the SSH agent and ``~/.ssh``, ``~/.netrc`` and
``FSSPEC_*``. No file, finding or log of this project ever holds one.
"""

from __future__ import annotations

import contextlib
import errno
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from ..error_boundary import STOPS
from ..errors import LungmtlError, printable
from ..extras import missing_extra
from .address import HTTP, S3, SFTP, Address, StorageError

SECONDS = 30
"""How long a web server may be silent."""
_REFUSED = (
    "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken",
    "AuthenticationException", "BadAuthenticationType", "PasswordRequiredException",
)  # fmt: skip
_PACKAGES = {S3: "s3fs", SFTP: "paramiko", HTTP: "aiohttp"}
_CREDENTIALS = {
    S3: "keys are looked for in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and in ~/.aws (AWS_PROFILE chooses one), and a public "
    "bucket is read with FSSPEC_S3_ANON=true",
    SFTP: "keys are looked for in the SSH agent and in ~/.ssh; 'ssh {host}' must work without a question",
    HTTP: "a name and a password can stand in ~/.netrc or in the address, which is then shown without the password",
}


@dataclass(frozen=True)
class Entry:
    """A file or folder on a server: its place, bytes (None where the server does not say), and whether it is a folder.

    `state` is what the server says by which other content is told from this one; empty where it says nothing.
    """

    address: Address
    size: int | None
    is_folder: bool
    state: str = ""


@contextlib.contextmanager
def telling(address: Address) -> Iterator[None]:
    """Raise what goes wrong with a server as a `StorageError` that names the address without its secrets.

    The cause is not kept: words and tracebacks of the libraries may hold signed addresses.
    """
    try:
        yield
    except (*STOPS, LungmtlError):
        raise
    except BaseException as error:
        said = missing_extra(error) or StorageError(_sentence(error, address))
    else:
        return
    raise said from None


@lru_cache(maxsize=16)
def filesystem(address: Address) -> Any:
    """Open the file system of a server; one for each `server_of`.

    Raises
    ------
    StorageError, MissingExtraError
        It cannot be reached, or the extra ``storage`` is not installed.
    """
    with telling(address):
        import_module(_PACKAGES[address.kind])  # its absence has a sentence
        import fsspec

        if address.kind == S3:
            # What is looked at again may have changed.
            return fsspec.filesystem("s3", use_listings_cache=False)
        if address.kind == SFTP:
            from .ssh import KnownHosts, options_of

            return KnownHosts(**options_of(address))
        from aiohttp import ClientTimeout

        # A large file may take its time, and silence may not.
        silence = ClientTimeout(total=None, sock_connect=SECONDS, sock_read=SECONDS)
        options: dict[str, Any] = {"trust_env": True, "timeout": silence}  # trusted are proxies, ~/.netrc
        if address.user:  # as a header, which aiohttp does not take along to another server
            pair = b64encode(f"{address.user}:{address.password}".encode()).decode()
            options["headers"] = {"Authorization": f"Basic {pair}"}
        return fsspec.filesystem("http", use_listings_cache=False, client_kwargs=options)


def open_filesystem(address: Address) -> Any:
    """Open the file system that an address lies in; a connection that was lost is made again."""
    system = filesystem(server_of(address))
    if address.kind == SFTP and not system.is_connected:
        filesystem.cache_clear()
        system = filesystem(server_of(address))
    return system


def server_of(address: Address) -> Address:
    """The address without its path: what a connection is kept for."""
    return Address(address.scheme, address.host, "", address.port, address.user, address.password)


def look_at(address: Address) -> Entry:
    """Tell whether there is a file or a folder.

    Raises
    ------
    StorageError
        There is nothing, or the server does not answer.
    """
    with telling(address):
        system = open_filesystem(address)
        if address.kind != HTTP:
            info = system.info(address.key)
            return entry_of(address, info)
        if not address.query and _listed(system, address):
            return Entry(address, None, True)
        try:
            return entry_of(address, {**system.info(address.key), "type": "file"})
        except FileNotFoundError:  # whatever was wrong
            system.cat_file(address.key, start=0, end=1)  # its own error tells
            return Entry(address, None, False)  # a server that knows no HEAD


def entry_of(address: Address, info: Mapping[str, Any]) -> Entry:
    """Make an entry of what a file system says of an address."""
    size, is_folder = info.get("size"), info["type"] == "directory"
    return Entry(address, size, is_folder, "" if is_folder else _state(address, info))


def _state(address: Address, info: Mapping[str, Any]) -> str:
    """What tells a file's content: S3 has a sum of it, others a time, which says something of a file in its place only."""
    if address.kind == S3:
        return f"{info.get('size')} {info['ETag']}" if info.get("ETag") else ""
    when = info.get("mtime") or info.get("ETag") or info.get("Last-Modified")
    return f"{address.key} {info.get('size')} {when}" if when else ""


def listed(address: Address) -> list[Entry]:
    """List the files and folders directly in a folder, by name; hidden ones are left out.

    Raises
    ------
    StorageError
        The server does not answer, or the folder is not there.
    """
    with telling(address):
        entries = _listed(open_filesystem(address), address)
        return sorted(entries, key=lambda entry: entry.address.path)


def _listed(system: Any, address: Address) -> list[Entry]:
    folder = address.key.rstrip("/")
    if address.kind == HTTP:
        folder += "/"
        try:
            if "html" not in str(system.info(folder).get("mimetype", "")):
                return []  # a file
        except FileNotFoundError:
            return []
    found = {}
    for info in system.ls(folder or "/", detail=True):  # of SSH the root has no name
        name = str(info["name"])
        below = name.removeprefix(folder.rstrip("/")).strip("/")
        # Links of a page lead anywhere; what is not directly below the folder is none of it.
        if not name.startswith(folder.rstrip("/") + "/") or not below or "/" in below or below[0] in ".?":
            continue
        if "?" in below and address.kind == HTTP:
            continue
        if info["type"] == "link" and (info := _led_to(info, system)) is None:
            continue
        found[below] = entry_of(address.below(below), info)
    return list(found.values())


def _led_to(link: dict[str, Any], system: Any) -> dict[str, Any] | None:
    """The file that a link leads to; None where it leads nowhere, or to a folder: these are not followed, as on the disk."""
    try:
        info = system.info(link["name"])
    except FileNotFoundError:
        return None
    return None if info["type"] == "directory" else info


def is_refused(error: BaseException) -> bool:
    """Whether a server said that one may not have this."""
    if isinstance(error, PermissionError) or getattr(error, "status", 0) in (401, 403):
        return True
    return any(word in f"{type(error).__name__} {error}" for word in _REFUSED)


def _sentence(error: BaseException, address: Address) -> str:
    """What to tell a person; `address` is shown without its secrets, and so are the words of the library."""
    chain = f"{type(error).__name__} {error}"
    words = _cleaned(error, address)
    if type(error).__name__ == "NoCredentialsError":
        return f"{address} needs credentials, and none were found: {_credentials(address)}."
    if is_refused(error):
        return f"{address} may not be opened or written ({words}): {_credentials(address)}."
    if "not found in known_hosts" in chain or type(error).__name__ == "BadHostKeyException":
        return (
            f"{address.host} is no server that ~/.ssh/known_hosts knows by this key: connect once with 'ssh {address.host}', and "
            "compare the key that it shows."
        )
    if isinstance(error, FileNotFoundError):
        bucket = f"the bucket {address.host} does not exist" if "bucket does not exist" in chain else ""
        return f"{address} does not exist{f' ({bucket})' if bucket else ''}: check the address."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{address} could not be copied ({words}): make room, or let TMPDIR name a folder with more of it."
    return f"{address} does not answer as it should ({words}): check the address and the connection, and try again."


def _credentials(address: Address) -> str:
    return _CREDENTIALS[address.kind].format(host=address.host)


def _cleaned(error: BaseException, address: Address) -> str:
    """The words of an error, without what is secret in the address."""
    said = " ".join(str(error).split()) or type(error).__name__
    if address.password:
        said = said.replace(address.password, "…")
    return printable(re.sub(r"\?[^\s'\"<>()]+", "?…", said))
