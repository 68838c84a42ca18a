"""Files of a server brought to a local folder, for formats that are read from files: one after the other, and nothing stays."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from .address import HTTP, Address, StorageError
from .filesystem import Entry, is_refused, listed, look_at, open_filesystem, telling

PIECE = 1 << 20
"""Bytes that are copied between two reports."""
MOST_FILES = 50_000
"""Files of one study: a folder with more is an archive."""
_HEADERS = (".mhd", ".nhdr", ".hdr", ".hdr.gz", ".img", ".img.gz")
"""Suffixes of files whose other half has the same name with another suffix."""
_SLICES = (".dcm", ".dicom", ".ima")
"""Suffixes of files that are one slice of a series in their folder."""


class CopyStoppedError(StorageError):
    """A person stopped the copying."""


OnProgress = Callable[[float, str], None]


@contextlib.contextmanager
def fetched(
    entry: Entry,
    on_progress: OnProgress | None = None,
    *,
    deep: bool = True,
    files: Sequence[tuple[Entry, Path]] | None = None,
) -> Iterator[Path]:
    """Have a file or a folder of a server here for a while.

    Parameters
    ----------
    entry
        What `look_at` found. With a header come its pixels, with a slice the other files of its folder.
    on_progress
        Gets the fraction done (0–1) and what is going on; what it raises ends the copying.
    deep
        Whether folders below a folder come too.
    files
        Some of `files_of`, which come in the place of all.

    Yields
    ------
    pathlib.Path
        The file or folder; gone when the context ends, however it ends.

    Raises
    ------
    StorageError
        The server fails, the disk has no room, or there are more than `MOST_FILES` files.
    """
    folder = Path(tempfile.mkdtemp(prefix="lungmtl-"))
    try:
        steps = copy(entry, folder, deep=deep, files=files)
        with contextlib.closing(steps):
            while True:
                try:
                    fraction, what = next(steps)
                except StopIteration as end:
                    path = end.value
                    break
                if on_progress is not None:
                    on_progress(fraction, what)
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy(
    entry: Entry,
    folder: Path,
    *,
    deep: bool = True,
    files: Sequence[tuple[Entry, Path]] | None = None,
) -> Generator[tuple[float, str], None, Path]:
    """Copy a file or a folder into a local folder; parameters are those of `fetched`.

    Yields
    ------
    tuple of float and str
        The fraction done (0–1) and what is going on; a point at which the caller may stop by closing.

    Returns
    -------
    pathlib.Path
        The copy.
    """
    yield 0.0, f"listing {entry.address.name}"
    files = list(files_of(entry, deep=deep) if files is None else files)
    _require_room(files, folder, entry.address)
    total = sum(file.size or 0 for file, _ in files)
    done = 0
    for number, (file, place) in enumerate(files):
        what = f"copying file {number + 1} of {len(files)}"
        for size in _copied(file, folder / place):
            done += size
            yield min(done / total if total else number / len(files), 1.0), what
    return folder / entry.address.name


def files_of(entry: Entry, *, deep: bool = True) -> Iterator[tuple[Entry, Path]]:
    """List the files of a study with their places in the folder that they are copied into; what comes is as for `fetched`.

    Raises
    ------
    StorageError
        The server does not answer, or there are more than `MOST_FILES` files.
    """
    address = entry.address
    top = Path(address.name)
    if entry.is_folder:
        for count, (file, place) in enumerate(_below(entry, top, deep)):
            if count >= MOST_FILES:
                raise StorageError(
                    f"{address} holds more than {MOST_FILES:,} files, which is no study: name a folder below it."
                )
            yield file, place
        return
    yield entry, top
    name = address.name.lower()
    if name.endswith(_HEADERS) or name.endswith(_SLICES):
        stem = name.partition(".")[0] if name.endswith(_HEADERS) else ""
        for other in listed(address.above):
            own = other.address.name
            if not other.is_folder and own != address.name and _belongs(own.lower(), stem):
                yield other, Path(own)


def _belongs(name: str, stem: str) -> bool:
    """Whether a file is the other half of a header with this stem, or, without one, may be a slice."""
    return name.startswith(f"{stem}.") if stem else name.endswith(_SLICES)


def _below(entry: Entry, place: Path, deep: bool) -> Iterator[tuple[Entry, Path]]:
    for other in listed(entry.address):
        where = place / other.address.name
        if not other.is_folder:
            yield other, where
        elif deep:
            yield from _below(other, where, deep)


def _require_room(files: list[tuple[Entry, Path]], folder: Path, address: Address) -> None:
    needed, free = sum(file.size or 0 for file, _ in files), shutil.disk_usage(folder).free
    if needed > free:
        raise StorageError(
            f"{address} takes {needed / 1e9:.1f} GB, and {folder.parent} has {free / 1e9:.1f} GB free: make room, or let "
            "TMPDIR name a folder with more."
        )


def _copied(file: Entry, path: Path) -> Iterator[int]:
    """Copy a file; yields the bytes of each piece."""
    with telling(file.address):
        path.parent.mkdir(parents=True, exist_ok=True)
        system = open_filesystem(file.address)
        if (file.size is not None and file.size <= PIECE) or (
            file.address.kind == HTTP and file.size is None
        ):
            data = system.cat_file(file.address.key)
            path.write_bytes(data)
            yield len(data)
        else:
            with path.open("wb") as out:
                start = 0
                while file.size is None or start < file.size:
                    piece = system.cat_file(file.address.key, start=start, end=start + PIECE)
                    out.write(piece)
                    start += len(piece)
                    yield len(piece)
                    if len(piece) < PIECE:
                        break
    if file.size is not None and path.stat().st_size != file.size:
        raise StorageError(f"{file.address} came cut off or was changed meanwhile: try again.")


def leaves(address: Address) -> Iterator[Entry]:
    """Find what is read as one study each: a file, a store, or a folder that holds files.

    Raises
    ------
    StorageError
        There is nothing, or the server does not answer.
    """
    entry = look_at(address)
    if not entry.is_folder:
        yield entry
    else:
        yield from _leaves(entry)


def _leaves(folder: Entry) -> Iterator[Entry]:
    if is_store(folder.address):
        yield folder
        return
    entries = listed(folder.address)
    if any(not entry.is_folder for entry in entries) or not entries:
        yield folder
    for entry in entries:
        if entry.is_folder:
            yield from _leaves(entry)


def is_store(address: Address) -> bool:
    """Whether a folder is a zarr group or array."""
    refused: BaseException | None = None
    with telling(address):
        system = open_filesystem(address)
        for name in ("zarr.json", ".zgroup", ".zarray"):
            try:
                if system.exists(address.below(name).key):
                    return True
            except Exception as error:
                if not is_refused(error):
                    raise
                refused = error  # as S3 says of what is not there to whoever may not list it
        if refused is not None:
            raise refused
    return False
