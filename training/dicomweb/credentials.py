"""User and password of an archive: from the keyring of the system or the environment, and from nowhere else."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..error_boundary import STOPS
from ..extras import missing_extra
from .errors import ArchiveError
from .server import URL, Server, server_at

if TYPE_CHECKING:
    from types import ModuleType

USER, PASSWORD, TOKEN = "LUNGMTL_ARCHIVE_USER", "LUNGMTL_ARCHIVE_PASSWORD", "LUNGMTL_ARCHIVE_TOKEN"
"""Variables of the environment; they belong to the server of ``LUNGMTL_ARCHIVE_URL``, and go to no other."""
SERVICE = "napari-lungmtl archive"
"""What the entry in the keyring is called."""
_INSTEAD = f"set {URL}, {USER} and {PASSWORD} (or {TOKEN}) instead"


@dataclass(frozen=True)
class Credentials:
    """User and password, or a token (Bearer, RFC 6750); what is secret is never shown.

    Parameters
    ----------
    user, password
        For HTTP basic authentication.
    token
        In the place of both.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def header(self) -> str:
        """The value of the header ``Authorization``."""
        if self.token:
            return f"Bearer {self.token}"
        from base64 import b64encode

        return f"Basic {b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


def credentials_for(server: Server) -> Credentials | None:
    """Look a server's credentials up: in the environment, then in the keyring; None where neither has any.

    Raises
    ------
    ArchiveError
        The address in the environment is none.
    """
    user, password, token = (os.environ.get(name, "") for name in (USER, PASSWORD, TOKEN))
    token = token.strip()  # a line's end from a file would be no header
    address = os.environ.get(URL, "")
    if (token or user) and address and server_at(address).origin == server.origin:
        return Credentials(token=token) if token else Credentials(user, password)
    return _from_keyring(server)


def _from_keyring(server: Server) -> Credentials | None:
    try:
        stored = json.loads(_keyring().get_password(SERVICE, server.origin) or "null")
    except STOPS:
        raise
    except Exception:  # without a keyring, or a locked one, nobody is signed in: the server will say so
        return None
    if not isinstance(stored, dict):
        return None
    return Credentials(**{name: str(stored.get(name, "")) for name in ("user", "password", "token")})


def keep(server: Server, credentials: Credentials) -> None:
    """Put credentials into the keyring of the system, in the place of those before.

    Raises
    ------
    ArchiveError
        There is no keyring, it is locked, or it would write a plain file.
    """
    values = {"user": credentials.user, "password": credentials.password, "token": credentials.token}
    _change(server, lambda ring: ring.set_password(SERVICE, server.origin, json.dumps(values)))


def forget(server: Server) -> None:
    """Take a server's credentials out of the keyring; nothing happens where it has none.

    Raises
    ------
    ArchiveError
        There is no keyring, or it is locked.
    """

    def take_out(ring: Any) -> None:
        if ring.get_password(SERVICE, server.origin) is not None:
            ring.delete_password(SERVICE, server.origin)

    _change(server, take_out)


def _change(server: Server, act: Any) -> None:
    ring = _keyring()
    if ring.get_keyring().priority < 1:  # none at all, or one that keeps passwords in a plain file
        raise ArchiveError(f"This system has no keyring that keeps a password safe: {_INSTEAD}.")
    try:
        act(ring)
    except STOPS:
        raise
    except Exception as error:
        raise ArchiveError(
            f"The keyring of the system did not take the password of {server} ({type(error).__name__}): unlock it, or {_INSTEAD}."
        ) from None


def _keyring() -> ModuleType:
    try:
        import keyring
    except ImportError as error:
        raise missing_extra(error) or error from None
    return keyring
