"""Which archive is meant: its address, and whose signature it is trusted by."""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from .errors import ArchiveError

URL, CA = "LUNGMTL_ARCHIVE_URL", "LUNGMTL_ARCHIVE_CA"
"""Variables of the environment: the usual server, and the authority that signed its certificate."""
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Server:
    """A server of DICOMweb (`server_at` makes it).

    Parameters
    ----------
    url
        Root of the service without the slash at its end: ``https://pacs.example.org/dicom-web``.
    ca
        File of certificates that it is checked against; empty for the public ones.
    """

    url: str
    ca: str = ""

    def __str__(self) -> str:
        return self.url

    @property
    def origin(self) -> str:
        """Scheme, host and port: what passwords belong to."""
        return origin_of(self.url)


def origin_of(url: str) -> str:
    """Scheme, host and port of an address: ``https://pacs.example.org:443``."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def server_at(url: str = "", ca: str = "") -> Server:
    """Make a server of what a person typed; what is missing comes from the environment.

    Parameters
    ----------
    url
        The address; ``https`` where no scheme is named; by default that of ``LUNGMTL_ARCHIVE_URL``.
    ca
        File of the certificates that it is checked against; by default that of ``LUNGMTL_ARCHIVE_CA``, then of
        ``REQUESTS_CA_BUNDLE``, then the public authorities.

    Raises
    ------
    ArchiveError
        It is no address, holds a password, or would send patients' data in the clear.

    Examples
    --------
    >>> server_at("pacs.example.org/dicom-web/").url
    'https://pacs.example.org/dicom-web'
    """
    text = (url or os.environ.get(URL, "")).strip()
    if not text:
        raise ArchiveError(f"No server is named: give its address, or set {URL}.")
    parts = _split(text if "://" in text else f"https://{text}")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ArchiveError(
            f"http://{parts.hostname} would send patients' data in the clear: use https, which its administrator can switch on."
        )
    return Server(parts.geturl().rstrip("/"), _authority(ca))


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        good = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, good = urlsplit(""), False
    if "@" in text.partition("://")[2].partition("/")[0]:  # said without repeating it
        raise ArchiveError(
            "The address of a server holds no user and no password: leave them out, and sign in."
        )
    if not good or not text.isprintable() or any(c in text for c in ' ?#\\"<>'):
        raise ArchiveError(
            "That is no address of a server: it looks like https://pacs.example.org/dicom-web, without anything after ? or #."
        )
    return parts


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nothing goes over a network."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _authority(ca: str) -> str:
    """The file of certificates, looked into: a wrong one would only be told as a server that is not trusted."""
    path = ca or os.environ.get(CA, "") or os.environ.get("REQUESTS_CA_BUNDLE", "")
    if not path:
        return ""
    path = os.path.expanduser(path)
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(**{"capath" if os.path.isdir(path) else "cafile": path})
    except (OSError, ssl.SSLError) as error:
        raise ArchiveError(f"{path} is no file of certificates (PEM): name the right one.") from error
    return path
