"""Which machine this is, as far as processes can be asked for: containers of one name on one host are told apart."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from functools import cache
from pathlib import Path


@cache
def machine_key() -> str:
    """What is the same for processes that see each other's numbers, and for no others, also when hosts share a name."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
    with suppress(OSError):
        parts.append(str(os.readlink("/proc/self/ns/pid")))
    return " ".join(parts)


def is_dead(key: str, process: int) -> bool:
    """Whether a process is known to have ended; of other machines only its silence tells."""
    if key != machine_key() or os.name != "posix":  # elsewhere, asking a process may end it
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
