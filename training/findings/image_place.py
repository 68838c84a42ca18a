"""Where the image that saved findings name lies today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..storage.address import is_remote

_UP, _PARTS = 4, 5
"""How far up from the file, and how many of the last parts of the image's path, both may have moved together."""


def image_place(file: Path, source: str) -> Path | None:
    """Find the image of a file of findings: where it was read from, or where it came with the file to another folder.

    Parameters
    ----------
    file
        With the findings.
    source
        What they call the image (`ImageReference.source`).

    Returns
    -------
    Path or None
        As it is written where it is in neither place; None where nothing is written.
    """
    if not source:
        return None
    written = Path(source)
    if is_remote(written) or written.exists():
        return written
    return next((place for place in _moved(file.absolute(), written) if place.exists()), written)


def _moved(file: Path, written: Path) -> Iterator[Path]:
    """Last parts of a path below the folders over a file, most parts first. A name alone says little from far away."""
    folders = list(file.parents)[:_UP]
    parts = written.parts[written.is_absolute() :]
    for count in range(min(_PARTS, len(parts)), 1, -1):
        yield from (folder.joinpath(*parts[-count:]) for folder in folders)
    yield from (folder / written.name for folder in folders[:2])
