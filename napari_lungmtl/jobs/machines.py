"""Machines whose networks this person may use: their key files, in a folder of the person's settings."""

from __future__ import annotations

import logging
from pathlib import Path

from platformdirs import user_config_path

from ..training.error_boundary import as_sentences
from ..training.errors import LungmtlError
from ..training.remote.key_file import SUFFIX, Key, RemoteError, read_key, write_key

log = logging.getLogger("napari_lungmtl")


def folder() -> Path:
    """Where the key files are; one that is deleted there is offered no more."""
    return user_config_path("napari-lungmtl", appauthor=False) / "machines"


def known_machines() -> list[Key]:
    """The machines, by name; a file that cannot be used is left out."""
    found = []
    for path in sorted(folder().glob(f"*{SUFFIX}")):
        try:
            found.append(read_key(path))
        except LungmtlError as error:
            log.info("%s", error)
    return found


def remember(path: Path) -> Key:
    """Read a key file and keep a copy, in the place of an older one of that machine.

    Raises
    ------
    RemoteError
        It is none, others may read it, or it cannot be kept.
    """
    key = read_key(path)
    kept = folder()
    with as_sentences(kept, RemoteError):
        kept.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_key(key, kept / f"{Path(key.name).name}{SUFFIX}")
    return key
