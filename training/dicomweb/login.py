"""Sign in: credentials are tried before they are kept."""

from __future__ import annotations

from collections.abc import Generator

from ..inference.predictor import Progress
from .connection import connect
from .credentials import Credentials, keep
from .query import ask
from .server import Server


def sign_in(server: Server, credentials: Credentials) -> Generator[Progress, None, None]:
    """Ask the server something small with these credentials, and put them into the keyring where it answers.

    Raises
    ------
    ArchiveError
        It does not let us in, is not there, or there is no keyring that keeps them safe.
    """
    yield Progress(0.0, "signing in")
    client = connect(server, credentials)
    ask(server, lambda: client.search_for_studies(limit=1))
    yield Progress(0.8, "asking the keyring")
    keep(server, credentials)
