"""Servers that answer as no archive should; each path is another one."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

STUDY, SERIES, INSTANCE = "1.2.3", "1.2.3.4", "1.2.3.4.5"
JSON = "application/dicom+json"


def item(**values: str) -> dict:
    """A data set with identifiers, as DICOM JSON."""
    tags = {"study": "0020000D", "series": "0020000E", "instance": "00080018"}
    return {tags[name]: {"vr": "UI", "Value": [value]} for name, value in values.items()}


def failed(code: int) -> dict:
    """An answer to what was sent: it was not taken."""
    one = {"00081155": {"vr": "UI", "Value": [INSTANCE]}, "00081197": {"vr": "US", "Value": [code]}}
    return {"00081198": {"vr": "SQ", "Value": [one]}}


def warned(code: int) -> dict:
    """An answer to what was sent: it was taken, but changed."""
    one = {"00081155": {"vr": "UI", "Value": [INSTANCE]}, "00081196": {"vr": "US", "Value": [code]}}
    return {"00081199": {"vr": "SQ", "Value": [one]}}


def instance(uid: str) -> bytes:
    """A part of an answer: a picture, or without a UID one that nobody can name."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = uid or INSTANCE
    if uid:
        dataset.SOPInstanceUID = uid
    dataset.SeriesInstanceUID = SERIES
    dataset.BitsAllocated, dataset.PixelData = 16, bytes(1000)
    written = io.BytesIO()
    dcmwrite(written, dataset, enforce_file_format=True)
    return b"--x\r\nContent-Type: application/dicom\r\n\r\n" + written.getvalue() + b"\r\n"


@dataclass
class OddArchive:
    """Its address, and what it was asked: method, path, and whether credentials came along."""

    url: str
    asked: list[tuple[str, str, bool]] = field(default_factory=list)
    elsewhere: str = "http://127.0.0.1:1"
    let_go: threading.Event = field(default_factory=threading.Event)


@contextmanager
def odd_archive() -> Iterator[OddArchive]:
    """Start them all, on one port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def answer(self, status: int, body: bytes = b"", kind: str = JSON, **headers: str) -> None:
            self.send_response(status)
            for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            archive.asked.append(("GET", self.path, "Authorization" in self.headers))
            way = self.path.split("/")[1]
            if way == "moved":
                self.answer(302, Location=f"{archive.elsewhere}/studies")
            elif way == "loud":
                self.answer(200, b"[]", Warning="299 - \x1b[2JWeber")
            elif way == "page":
                self.answer(200, b"<html>Sign in</html>", "text/html")
            elif way == "list":
                self.answer(200, b'["3d7d4805-837f62d8"]', "application/json")
            elif way == "slow":
                archive.let_go.wait(30)
            elif way.isdecimal():
                self.answer(int(way))
            elif way == "broken" and self.path.endswith(SERIES):
                kind = "multipart/related; type=application/dicom; boundary=x"
                self.answer(200, b"--x\r\n\r\nno DICOM", kind, **{"Content-Length": "999"})
            elif way in ("cut", "nameless") and self.path.endswith(SERIES):
                kind = "multipart/related; type=application/dicom; boundary=x"
                first, second = (instance(f"{INSTANCE}.{n}" if way == "cut" else "") for n in range(2))
                body = first + second + b"--x--\r\n"
                # Without a length nobody hears that the server died in the last picture.
                self.answer(200, body[: -500 if way == "cut" else None], kind, **{"Content-Length": ""})
            elif "/instances" in self.path:
                both = [item(study=STUDY, series=SERIES, instance=f"{INSTANCE}.{n}") for n in range(2)]
                self.answer(200, json.dumps([] if way == "silent" else both).encode())
            else:
                self.answer(200, json.dumps([item(study=STUDY, series=SERIES)]).encode())

        def do_POST(self) -> None:
            archive.asked.append(("POST", self.path, "Authorization" in self.headers))
            self.rfile.read(int(self.headers["Content-Length"]))
            way = self.path.split("/")[1]
            if way == "moved":
                self.answer(307, Location=f"{archive.elsewhere}/studies")
            elif way == "refusing":
                self.answer(409, json.dumps(failed(0xA700)).encode())
            elif way == "changing":
                self.answer(202, json.dumps(warned(0xB000)).encode())
            else:
                self.answer(200)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    archive = OddArchive(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield archive
    finally:
        archive.let_go.set()
        server.shutdown()
        server.server_close()
        thread.join()
