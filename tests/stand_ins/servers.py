"""Servers of this process on 127.0.0.1: files over HTTP that are counted and held back, files over SSH, and S3."""

from __future__ import annotations

import contextlib
import functools
import http.server
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class WebServer:
    """Files below a folder over HTTP.

    `answered` has the chunks that were given; `refuse` names parts of paths and the status that they get instead, `redirect` those
    that are elsewhere.
    """

    folder: Path
    port: int = 0
    answered: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)
    redirect: dict[str, str] = field(default_factory=dict)
    _held: bool = False
    _permits: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def hold(self) -> None:
        """Answer no request for a chunk from now on."""
        self._held = True

    def let(self, count: int) -> None:
        """Answer so many."""
        self._permits.release(count)

    def let_all(self) -> None:
        """Answer all again."""
        self._held = False
        self._permits.release(1000)

    def give(self, chunk: str) -> None:
        """Wait until a chunk may go."""
        if self._held:
            self._permits.acquire(timeout=30)
        self.answered.append(chunk)

    def url(self, *names: str, user: str = "") -> str:
        """The address of a file or folder."""
        return "/".join([f"http://{user}127.0.0.1:{self.port}", *names])


class _Handler(http.server.SimpleHTTPRequestHandler):
    server_of: WebServer

    def __init__(self, *args, server_of: WebServer, **kwargs) -> None:
        self.server_of = server_of
        super().__init__(*args, directory=str(server_of.folder), **kwargs)

    def do_GET(self) -> None:
        server, path = self.server_of, self.path
        status = next((code for part, code in server.refuse.items() if part in path), 0)
        server.headers.append(dict(self.headers))
        if status:
            self.send_error(status)
            return
        if path.rpartition("/")[2].isdigit():
            server.give(path)
        if not self._elsewhere():
            super().do_GET()

    def do_HEAD(self) -> None:
        if not self._elsewhere():
            super().do_HEAD()

    def _elsewhere(self) -> bool:
        to = next((to for part, to in self.server_of.redirect.items() if self.path.endswith(part)), "")
        if to:
            self.send_response(302)
            self.send_header("Location", to)
            self.send_header("Content-Length", "0")
            self.end_headers()
        return bool(to)

    def log_message(self, *args) -> None:
        """Nothing."""


@contextmanager
def web_server(folder: Path) -> Iterator[WebServer]:
    """Serve a folder for a while."""
    told = WebServer(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Handler, server_of=told))
    server.handle_error = lambda *_: None  # whoever asked has hung up
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.let_all()
        server.shutdown()
        server.server_close()


@dataclass
class SshServer:
    """Files below a folder over SFTP, for one user with a key or a password."""

    port: int
    host_key: str
    """A line of ``known_hosts``."""


@contextmanager
def ssh_server(folder: Path, key: object, password: str) -> Iterator[SshServer]:
    """Serve a folder for a while; ``/`` is the folder.

    Parameters
    ----------
    key
        The host's key, of paramiko.
    """
    import paramiko

    class Interface(paramiko.ServerInterface):
        def check_auth_password(self, username: str, given: str) -> int:
            good = given == password
            return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

        def get_allowed_auths(self, username: str) -> str:
            return "password"

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return paramiko.OPEN_SUCCEEDED

    class Files(paramiko.SFTPServerInterface):
        def _place(self, path: str) -> str:
            return str(folder) + self.canonicalize(path)

        def list_folder(self, path: str):
            try:
                place = self._place(path)
                found = []
                for name in os.listdir(place):
                    attributes = paramiko.SFTPAttributes.from_stat(os.lstat(os.path.join(place, name)))
                    attributes.filename = name
                    found.append(attributes)
                return found
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

        def stat(self, path: str):
            try:
                return paramiko.SFTPAttributes.from_stat(os.stat(self._place(path)))
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

        lstat = stat

        def remove(self, path: str) -> int:
            os.remove(self._place(path))
            return paramiko.SFTP_OK

        def open(self, path: str, flags: int, attr: object):
            try:
                mode = "r+b" if flags & (os.O_WRONLY | os.O_RDWR) else "rb"
                if flags & os.O_CREAT:
                    mode = "w+b"
                file = open(self._place(path), mode)  # noqa: SIM115
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)
            handle = paramiko.SFTPHandle(flags)
            handle.filename, handle.readfile, handle.writefile = self._place(path), file, file
            return handle

        def mkdir(self, path: str, attr: object) -> int:
            try:
                os.mkdir(self._place(path))
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)
            return paramiko.SFTP_OK

        def rename(self, old: str, new: str) -> int:
            try:
                os.replace(self._place(old), self._place(new))
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)
            return paramiko.SFTP_OK

        posix_rename = rename

    listening = socket.create_server(("127.0.0.1", 0))
    transports: list[paramiko.Transport] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
            transport.start_server(server=Interface())
            transports.append(transport)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listening.getsockname()[1]
    try:
        yield SshServer(port, f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
    finally:
        # Closed while a thread waits in it, its number would go to the next socket, and that thread would answer there.
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        listening.close()
        for transport in transports:
            transport.close()


BUCKET = "bucket-of-a-test"


@contextmanager
def s3_server() -> Iterator[str]:
    """A server that speaks S3, for a while; gives its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@contextmanager
def s3_bucket(endpoint: str, monkeypatch: Any) -> Iterator[Any]:
    """An empty bucket `BUCKET`, as s3fs sees it; address and keys are in the environment."""
    import s3fs

    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "a-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem(use_listings_cache=False)
    system.mkdir(BUCKET)
    yield system
    if system.exists(BUCKET):
        system.rm(BUCKET, recursive=True)
