"""A line between two machines that can be cut and mended: what comes to its port goes on to another, while it is whole."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class CutLine:
    """Listens on `port` of 127.0.0.1 and passes all on to `target`."""

    def __init__(self, target: int) -> None:
        self._target, self._whole, self._ends = target, True, []
        self._turn = threading.Lock()  # what is made while it is being cut would stay whole
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        with self._turn:
            self._whole = False
            for end in self._ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._ends.clear()

    def mend(self) -> None:
        """Let new connections through."""
        self._whole = True

    def close(self) -> None:
        self.cut()
        # Closed while a thread waits in it, it would answer once more.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(30)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                with self._turn:
                    if self._whole:
                        self._connect(near)
                    else:
                        near.close()

    def _connect(self, near: socket.socket) -> None:
        far = socket.create_connection(("127.0.0.1", self._target))
        self._ends += [near, far]
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
