"""``lungmtl archive login``: user and password into the keyring of the system."""

from __future__ import annotations

from typing import Annotated

import typer

from ..common import explained
from .options import Authority, Url


def login(
    url: Url = "",
    token: Annotated[bool, typer.Option("--token", help="Ask for a token (Bearer) instead of both.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Take what is kept for this server out.")] = False,
    ca: Authority = "",
) -> None:
    """Ask for user and password, try them, and keep them in the keyring of the system; they are never an argument.

    Where there is no keyring, set LUNGMTL_ARCHIVE_URL, LUNGMTL_ARCHIVE_USER and LUNGMTL_ARCHIVE_PASSWORD (or
    LUNGMTL_ARCHIVE_TOKEN).

    Example: lungmtl archive login --url https://pacs.example.org/dicom-web
    """
    with explained():
        from ...dicomweb import credentials
        from ...dicomweb.login import sign_in
        from ...dicomweb.server import server_at
        from ...inference.predictor import finish

        server = server_at(url, ca)
        if forget:
            credentials.forget(server)
            typer.echo(f"{server}: forgotten")
            return
        if token:
            given = credentials.Credentials(token=typer.prompt("Token", hide_input=True, err=True).strip())
        else:
            user = typer.prompt("User", err=True)
            given = credentials.Credentials(user, typer.prompt("Password", hide_input=True, err=True))
        finish(sign_in(server, given))
        typer.echo(f"{server}: signed in")
