"""The key file: where a server is, and the secret that opens it. Whoever holds it may run the networks there, and more."""

from __future__ import annotations

import json
import os
import stat
import uuid
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..error_boundary import as_sentences, reads
from ..errors import LungmtlError

if TYPE_CHECKING:
    from distributed import Security

FORMAT = "lungmtl-key"
VERSION = 1
SUFFIX = ".key"
TLS = "tls://"
_PEM = ("authority", "certificate", "secret")


class RemoteError(LungmtlError):
    """The networks on another machine cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Key:
    """What opens a server.

    Parameters
    ----------
    name
        Of the machine, for people.
    address
        As clients reach it: ``tls://host:port``.
    authority
        PEM of the certificate that signed those of both sides.
    certificate, secret
        PEM of the client's certificate and of its private key.
    shared
        Folders that both machines see under the same path.
    """

    name: str
    address: str
    authority: str
    certificate: str
    secret: str = field(repr=False)
    shared: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.address.removeprefix(TLS).rpartition(":")
        return host.strip("[]"), int(port)

    def security(self) -> Security:
        """Both sides show a certificate of the same authority, or nobody says a word."""
        from ssl import TLSVersion

        from distributed import Security

        return Security(
            require_encryption=True,
            tls_min_version=TLSVersion.TLSv1_3,
            tls_ca_file=self.authority,
            tls_client_cert=self.certificate,
            tls_client_key=self.secret,
        )


def write_private(path: Path, data: bytes, *, new: bool = False) -> bool:
    """Write a file that nobody but its owner can read at any moment, whole or not at all.

    Parameters
    ----------
    new
        Leave a file that is there as it is, also one that another process makes at this moment.

    Returns
    -------
    bool
        Whether it was written.

    Raises
    ------
    RemoteError
        It cannot be written.
    """
    with as_sentences(path, RemoteError):
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            return _give_name(temporary, path, new)
        finally:
            temporary.unlink(missing_ok=True)


def _give_name(temporary: Path, path: Path, new: bool) -> bool:
    """Give a written file its name; a new one by a link, which unlike a renaming fails where the name is taken."""
    if new:
        try:
            os.link(temporary, path)
            return True
        except FileExistsError:
            return False
        except OSError:  # no links in this file system
            if path.exists():
                return False
    os.replace(temporary, path)
    return True


def write_key(key: Key, path: Path) -> None:
    """Write a key file, readable by its owner alone.

    Raises
    ------
    RemoteError
        It cannot be written.
    """
    values = {"format": FORMAT, "version": VERSION, **asdict(key)}
    write_private(path, json.dumps(values, indent=1).encode() + b"\n")


@reads(RemoteError)
def read_key(path: Path) -> Key:
    """Read a key file.

    Raises
    ------
    RemoteError
        It is none, or others may read it.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        values = None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise RemoteError(f"{path} is no key file: choose the one that 'lungmtl serve' has made.")
    if values.get("version") != VERSION:
        raise RemoteError(f"{path} comes from another version of lungmtl: install the same on both machines.")
    _refuse_open(path)
    try:
        key = Key(**{f.name: _checked(f.name, values[f.name]) for f in fields(Key)})
        if not (key.address.startswith(TLS) and key.place[0] and 0 < key.place[1] < 65536):
            raise ValueError(f"address {key.address!r}")
    except (KeyError, TypeError, ValueError) as error:
        raise RemoteError(
            f"{path} is damaged ({error}): copy it again from the machine that made it."
        ) from None
    return key


def _checked(name: str, value: Any) -> Any:
    many = name == "shared"
    if not all(isinstance(v, str) for v in (value if many else (value,))):
        raise TypeError(name)
    if name in _PEM and not value.startswith("-----BEGIN "):  # Dask would take it for a path
        raise ValueError(name)
    return tuple(value) if many else value


def _refuse_open(path: Path) -> None:
    """Refuse a secret that others can read, as ssh does; Windows has other permissions."""
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise RemoteError(
            f"{path} is a secret, and others on this machine may read it: chmod 600 '{path}' mends that."
        )
