"""Writing a file so that a reader, or a crash, only ever meets the whole old one or the whole new one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from .errors import SaveError


def write_atomically(path: Path | str, data: bytes) -> None:
    """Write to a temporary file in the same folder, fsync, rename over `path`, fsync the folder.

    Raises
    ------
    SaveError
        No permission, no space, no such folder: the old file, if any, is untouched.
    """
    path = Path(path)
    # A link is followed: the file it points to is replaced, not the link.
    target = Path(os.path.realpath(path))
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), _mode(target))
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise SaveError(
            f"{path} could not be saved ({error.strerror or error}): free space or choose another folder; "
            "what was saved before is unchanged"
        ) from error
    _sync_folder(target.parent)


def _mode(target: Path) -> int:
    """The permissions of the file being replaced, or those a new file would get (mkstemp's are 0600)."""
    with contextlib.suppress(OSError):
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; not every system can open a folder, and the data are safe by now."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
