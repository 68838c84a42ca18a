"""The machine whose networks a command runs: this one, or that of a key file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..common import Failed

if TYPE_CHECKING:
    from ...remote.key_file import Key


def key_for(file: Path | None, device: str) -> Key | None:
    """Read the key of ``--remote``, if it was given.

    Raises
    ------
    Failed, RemoteError
        ``--device`` or ``--engine`` was given too, or the file is no key.
    """
    from ...remote.key_file import read_key

    if file is not None and device != "auto":
        raise Failed(
            "--device and --engine are for networks here, and --remote for those of another machine: leave one out"
        )
    return None if file is None else read_key(file)
