"""Finding studies in a folder of thousands of files: each is told as soon as its headers are read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .dicom.header import Header, read_header
from .dicom.kinds import LOCALIZER, ONE_PLACE, RENDERED
from .dicom.stacks.stack import stacks_of
from .errors import ImageError
from .formats import format_of
from .scan import NO_PICTURE, Contents, Directory, choices, directories, scan, stack_series
from .series import Series

LEFT_OUT = frozenset({LOCALIZER, ONE_PLACE, RENDERED})
"""Kinds of series that nobody reads for nodules."""


@dataclass(frozen=True)
class Unreadable:
    """A file that should be an image and cannot be read.

    Parameters
    ----------
    path
        The file.
    reason
        A sentence that names it and says what to do.
    """

    path: Path
    reason: str


def find_series(path: Path | str) -> Iterator[Series | Unreadable | None]:
    """Find what can be read at a path, one directory after the other, from headers alone.

    DICOM files are grouped into series; a series that lies in several directories is told again with each of them, and the
    last word counts. Localizers and renderings are left out. Pictures are radiographs in directories that hold nothing else:
    beside DICOM or volumes they are previews.

    Parameters
    ----------
    path
        A folder (with all folders below it), or one file.

    Yields
    ------
    Series, Unreadable or None
        What was found, or why not; None after each directory, a point at which the caller may stop by closing.

    Raises
    ------
    ImageNotFoundError
        There is nothing at `path`.
    """
    path = Path(path)
    if not path.is_dir() or format_of(path) is not None:  # a folder may be an image itself
        yield from _described(scan(path))
        return
    known: dict[str, list[Path]] = {}
    for directory in directories(path, pictures=True):
        yield from _volumes(directory)
        yield from _series(directory, known)
        yield None


def _described(contents: Contents) -> Iterator[Series | Unreadable]:
    yield from (series for series, _ in choices(contents))
    yield from (Unreadable(path, reason) for path, reason in contents.unread.items() if _is_fault(reason))


def _volumes(directory: Directory) -> Iterator[Series | Unreadable]:
    for path, form in directory.volumes.items():
        try:
            yield form.describe(path)
        except ImageError as error:
            yield Unreadable(path, str(error))
    yield from (Unreadable(path, reason) for path, reason in directory.unread.items() if _is_fault(reason))


def _is_fault(reason: str) -> bool:
    """Whether a file should have been an image: reports and tables beside images should not."""
    return bool(reason) and NO_PICTURE not in reason


def _series(directory: Directory, known: dict[str, list[Path]]) -> Iterator[Series]:
    """The DICOM series of a directory, with the files that earlier directories (`known`, by identifier) had of them."""
    headers = directory.headers
    uids = {header.code("SeriesInstanceUID") for header in headers} - {""}
    earlier = [header for uid in sorted(uids & known.keys()) for header in _headers(known[uid])]
    for header in headers:
        if uid := header.code("SeriesInstanceUID"):
            known.setdefault(uid, []).append(header.path)
    contents = Contents(unread=directory.unread)
    for stack in stacks_of([*earlier, *headers]):
        if stack.kind not in LEFT_OUT:
            yield stack_series(stack, contents)


def _headers(paths: list[Path]) -> Iterator[Header]:
    """Read again what was read before; what has gone since is left out."""
    for path in paths:
        try:
            header = read_header(path)
        except ImageError:
            continue
        if header is not None:
            yield header
