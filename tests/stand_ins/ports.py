"""Ports of this machine that nobody listens at."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

_ANY = random.Random()  # of its own: tests seed the one that all share
_BELOW = range(10_000, 32_000)


def free_port() -> int:
    """A port that whoever starts a server a moment later still finds free.

    One that the system hands out may be handed out once more before that server listens, to any connection of any process; it
    takes those from 32768 on, or higher.
    """
    for _ in range(100):
        port = _ANY.choice(_BELOW)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port of this machine is free")
