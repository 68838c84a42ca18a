"""The connection to an archive: TLS always verified, passwords to that server only, and nobody waits for ever."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..extras import missing_extra
from .credentials import Credentials, credentials_for
from .errors import ArchiveError
from .server import Server, is_loopback, origin_of

if TYPE_CHECKING:
    from dicomweb_client import DICOMwebClient

CONNECT_S, ANSWER_S = 10.0, 60.0
"""Seconds until a server must have taken a connection, and until the next bytes of its answer."""
CHUNK = 1 << 18
"""Bytes of an answer that are taken at once."""
EPILOGUE = 1 << 10
"""Bytes that may follow the last boundary of an answer (RFC 2046, 5.1.1)."""
_BOUNDARY = re.compile(r"""(?i)^multipart/.*;\s*boundary="?([^";\s]+)""")


def connect(server: Server, credentials: Credentials | None = None) -> DICOMwebClient:
    """Make a client of a server; nothing is asked yet.

    Parameters
    ----------
    server
        The server.
    credentials
        By default those of the environment or the keyring (`credentials_for`).

    Raises
    ------
    LungmtlError
        The extra ``dicomweb`` is not installed.
    """
    try:
        from dicomweb_client import DICOMwebClient
    except ImportError as error:
        raise missing_extra(error) or error from None
    # It logs addresses with patients' names, and what a server says, control characters and all.
    logging.getLogger("dicomweb_client.web").disabled = True
    session = _session(server, credentials or credentials_for(server))
    client = DICOMwebClient(server.url, session=session, timeout=(CONNECT_S, ANSWER_S), chunk_size=CHUNK)
    client.set_http_retry_params(retry=False)  # a person who waits can try again, and stop
    return client


def _session(server: Server, credentials: Credentials | None) -> Any:
    from urllib.parse import urlsplit

    import requests
    from requests.utils import get_environ_proxies

    class Session(requests.Session):
        """Follows no redirect to another server, nor any of what is sent."""

        def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
            # Wildcards are legal in a query as they are, and Orthanc 1.10 understands them only so.
            url = url.replace("%2A", "*").replace("%3F", "?")
            # The client names the host without its port; that of the address is right.
            kwargs["headers"] = {n: v for n, v in (kwargs.get("headers") or {}).items() if n != "Host"}
            return _to_its_end(super().request(method, url, *args, **kwargs))

        def get_redirect_target(self, resp: requests.Response) -> str | None:
            target = super().get_redirect_target(resp)
            if target is None:
                return None
            where = origin_of(requests.compat.urljoin(resp.url, target))
            if where != server.origin:
                raise ArchiveError(
                    f"{server} sends us on to another server ({where}), which was not asked for: use its address if you trust it."
                )
            if resp.request.method != "GET":
                raise ArchiveError(f"{server} sends us on when something is sent to it: check the address.")
            return target

    session = Session()
    # Else ~/.netrc would answer for passwords, and REQUESTS_CA_BUNDLE would win over the certificates that were named.
    session.trust_env = False
    session.max_redirects = 5
    if server.ca:
        session.verify = server.ca
    if not is_loopback(urlsplit(server.url).hostname or ""):
        session.proxies = get_environ_proxies(server.url)
    if credentials is not None:
        session.auth = _Signed(credentials.header())
    return session


def _to_its_end(response: Any) -> Any:
    """See that an answer of several parts ends with its closing boundary: cut off without a word, the last part looks whole."""
    from requests import ConnectionError

    found = _BOUNDARY.search(response.headers.get("Content-Type", ""))
    if found is None:
        return response
    closing = f"--{found.group(1)}--".encode()
    read, most = response.iter_content, len(closing) + EPILOGUE

    def chunks(*args: Any, **kwargs: Any) -> Iterator[bytes]:
        tail = b""
        for chunk in read(*args, **kwargs):
            tail = (tail + chunk[-most:])[-most:]
            yield chunk
        if closing not in tail:
            raise ConnectionError("cut off")

    response.iter_content = chunks
    return response


class _Signed:
    """Signs each request."""

    def __init__(self, header: str) -> None:
        self._header = header

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = self._header
        return request
