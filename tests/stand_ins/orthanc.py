"""A real Orthanc with DICOMweb on this machine, behind TLS; Debian: orthanc, orthanc-dicomweb, openssl.

TLS ends before it, as it does at a hospital's proxy: the civetweb of Debian 12 crashes at each handshake of its own (it looks for a
function that OpenSSL 3 has no more).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from .ports import free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "reader", "correct horse"
NO_ORTHANC = "Orthanc is not installed (Debian packages orthanc, orthanc-dicomweb, openssl)"


@dataclass(frozen=True)
class Certificates:
    """Files: an authority, what it signed for localhost, the same out of date, and an authority that signed neither."""

    ca: Path
    good: Path
    expired: Path
    stranger: Path


@dataclass(frozen=True)
class Orthanc:
    """A running one: its address with and without TLS, with a certificate that is out of date, and its certificates."""

    url: str
    plain: str
    expired: str
    certificates: Certificates


def certificates(folder: Path) -> Certificates:
    """Make them with openssl; each file of a server holds its key as well."""

    def openssl(*arguments: str) -> None:
        subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for name in ("ca", "stranger"):
        more = ("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign")
        openssl("req", "-x509", *key, "-days", "2", "-keyout", f"{name}.key", "-out", f"{name}.pem", *more)
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    for name, days in (("good", "2"), ("expired", "-1")):
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", days)
        openssl("x509", "-req", "-in", "server.csr", *signed, "-out", f"{name}.crt")
        (folder / f"{name}.pem").write_text(
            (folder / "server.key").read_text() + (folder / f"{name}.crt").read_text()
        )
    return Certificates(*(folder / f"{name}.pem" for name in ("ca", "good", "expired", "stranger")))


@contextlib.contextmanager
def running_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Start an empty one that asks for a password; it ends with the block, and its data are in the folder.

    Where it is not installed the test is skipped, and says so.
    """
    program = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if program is None or not PLUGIN.exists() or shutil.which("openssl") is None:
        pytest.skip(NO_ORTHANC)
    made, port = certificates(folder), free_port()
    config = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "HttpPort": port,
        "DicomServerEnabled": False,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(config))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen((program, str(folder / "orthanc.json")), stdout=log, stderr=log)
    try:
        _wait(f"http://localhost:{port}/system", process, folder / "orthanc.log")
        with _tls(port, made.good) as good, _tls(port, made.expired) as expired:
            plain = f"http://localhost:{port}/dicom-web"
            yield Orthanc(
                f"https://localhost:{good}/dicom-web", plain, f"https://localhost:{expired}/dicom-web", made
            )
    finally:
        process.kill()
        process.wait()


def _wait(url: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            requests.get(url, timeout=5)
            return
        time.sleep(0.05)
    raise RuntimeError(f"Orthanc did not start: {log.read_text(errors='replace')[-2000:]}")


@contextlib.contextmanager
def _tls(port: int, certificate: Path) -> Iterator[int]:
    """The port at which TLS is taken off, in a thread of its own, and handed on to another port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.new_event_loop()

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            while data := await source.read(1 << 16):
                target.write(data)
                await target.drain()
        with contextlib.suppress(OSError, ssl.SSLError):
            target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, before), pump(behind, writer))

    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
