"""Writing a file so that a reader, or a crash, only ever meets the whole old one or the whole new one."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from pathlib import Path

from ...error_boundary import require_regular
from ...storage.address import StorageError, address_of
from ...storage.files import put
from .errors import SaveError


def write_atomically(path: Path | str, data: bytes) -> None:
    """Write to a temporary file in the same folder, fsync, rename over `path`, fsync the folder; or to a server.

    Raises
    ------
    SaveError
        No permission, no space, no such folder, or a device instead of a file: the old file, if any, is untouched.
    """
    if (address := address_of(path)) is not None:
        try:
            put(address, data)
        except StorageError as error:
            raise SaveError(f"{error} What was saved before is unchanged.") from None
        return
    path = Path(path)
    require_regular(path, SaveError)
    # A link is followed: the file it points to is replaced, not the link.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".lungmtl-{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise SaveError(
            f"{path} could not be saved ({error.strerror or error}): free space or choose another folder; "
            "what was saved before is unchanged"
        ) from error
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself last; not every system can open a folder, and the data are safe by now."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
