"""Why a server does not answer, found out by a handshake of one's own: Dask only says that time has run out."""

from __future__ import annotations

import socket
import ssl

from ..key_file import Key, RemoteError

PATIENCE = 5.0
"""Seconds for each step."""


def probe(key: Key) -> None:
    """See that a server is there and lets us in.

    Raises
    ------
    RemoteError
        It is not the one of the key file, or does not take the key: to try again would not help.
    OSError
        It is not reached.
    """
    try:
        context = key.security().get_connection_args("client")["ssl_context"]
    except (ssl.SSLError, OSError, ValueError) as error:
        raise RemoteError(
            f"The key file of {key.name} is damaged ({error}): copy it again from the machine that runs 'lungmtl serve'."
        ) from error
    with socket.create_connection(key.place, PATIENCE) as plain:
        try:
            with context.wrap_socket(plain) as secured:
                secured.recv(1)  # Dask's server speaks first; one that refuses our certificate says so here
        except ssl.SSLCertVerificationError as error:
            raise RemoteError(
                f"What answers at {key.address} is not the machine of this key file ({error.verify_message}): "
                "copy the key file again from the machine that runs 'lungmtl serve'."
            ) from error
        except (
            ssl.SSLEOFError
        ) as error:  # whoever took the call has nobody behind him, as a tunnel without its other end
            raise ConnectionError("it hangs up at once") from error
        except ssl.SSLError as error:
            raise RemoteError(
                f"The machine at {key.address} does not take this key file ({error.reason or error}): "
                "copy it again from the machine that runs 'lungmtl serve'."
            ) from error
