"""What can go wrong between here and an archive, each as one sentence without passwords, queries or patients."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..error_boundary import STOPS
from ..errors import LungmtlError
from ..extras import missing_extra


class ArchiveError(LungmtlError):
    """The archive cannot be reached, does not let us in, or does not have or take something; the message says what to do."""


LOGIN = "sign in again ('lungmtl archive login', or Sign in… in the window)"
_STATUS = {
    401: f"does not accept user and password, or asks for them: {LOGIN}",
    403: "does not allow this user to do that: ask its administrator",
    404: "does not have that, or no DICOMweb at this address: check the path, often /dicom-web",
    405: "offers no DICOMweb at this address: check the path, often /dicom-web",
    406: "does not give DICOM in any form that is read here",
    413: "refuses an object of this size: ask its administrator",
    429: "has too much to do: try again later",
    503: "has too much to do or is being looked after: try again later",
}
_CERTIFICATE = re.compile(r"certificate verify failed: ([^(\"']+)")


@contextmanager
def told(server: object) -> Iterator[None]:
    """Raise whatever goes wrong while a server is asked as an `ArchiveError`.

    Its cause is left out on purpose: texts of errors hold the whole query with the patient's name, and causes go to the log.

    Parameters
    ----------
    server
        What the sentence calls it.
    """
    try:
        yield
    except (*STOPS, LungmtlError, MemoryError):
        raise
    except Exception as error:
        raise missing_extra(error) or ArchiveError(_sentence(error, str(server))) from None


def _sentence(error: Exception, server: str) -> str:
    from requests import exceptions as web

    text = str(error)
    if isinstance(error, web.HTTPError) and error.response is not None:
        code = error.response.status_code
        return (
            f"{server} {_STATUS.get(code, f'answers with an error (status {code}): ask its administrator')}."
        )
    if isinstance(error, web.ProxyError):
        return f"{server} cannot be reached through the proxy: check HTTPS_PROXY and NO_PROXY."
    if isinstance(error, web.SSLError):
        return f"{server} {_of_tls(text)}."
    if isinstance(error, web.Timeout) or "timed out" in text:
        return f"{server} does not answer in time: check the address, and whether it is reached from this network."
    if isinstance(error, web.TooManyRedirects):
        return f"{server} sends us round in a circle: check the address."
    if isinstance(error, (web.ConnectionError, web.ChunkedEncodingError)):
        return f"{server} {_of_connection(text)}."
    return f"{server} does not answer as DICOMweb does: check the path of the address, often /dicom-web."


def _of_tls(text: str) -> str:
    found = _CERTIFICATE.search(text)
    if found is None:
        return "does not speak TLS as it should: check address and port"
    return (
        f"is not trusted ({found.group(1).strip()}): name the certificate of the authority that signed its own, with --ca or in "
        "LUNGMTL_ARCHIVE_CA; its administrator has it"
    )


def _of_connection(text: str) -> str:
    if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
        return "is no address that is known in this network: check how it is spelt"
    if "refused" in text:
        return "is not there (connection refused): check address and port, and whether it runs"
    if "unreachable" in text or "No route" in text:
        return "is not reached from this network: check the connection"
    return "broke off the connection: try again, and look at its log"
