"""What is on a server for workers to fetch, found by listing folders: not a header is read here.

A folder of DICOM slices is fetched as one, for its names do not say which belong together. Volumes and, where a folder holds
nothing else, pictures are fetched each by itself, so that one folder may hold an archive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ...imaging.formats import JSRT, METAIMAGE, NIFTI, NRRD, PICTURE
from ...imaging.paths import stem_of, suffix_of
from ...storage.address import Address, StorageError
from ...storage.fetch import is_store
from ...storage.filesystem import Entry, listed, look_at
from ..task import Place

_VOLUMES = frozenset(suffix for form in (METAIMAGE, NIFTI, NRRD, JSRT) for suffix in form.suffixes)
_HEADERS = frozenset({".mhd", ".nhdr", ".hdr", ".hdr.gz"})
_PIXELS = frozenset({".raw", ".zraw", ".img", ".img.gz"})
_NO_IMAGES = frozenset({".csv", ".json", ".jsonl", ".md", ".pdf", ".txt", ".xls", ".xlsx", ".xml"})
"""Suffixes of what lies beside images and is none; DICOM has any suffix or none."""


def cases_at(root: Address) -> Iterator[tuple[Address, bool]]:
    """Find the cases at an address, and whether all below them belongs to them: folders directly below it, and its own files.

    What cannot be looked at is a case too: whoever looks into it tells why.
    """
    try:
        entry = Entry(root, None, False) if is_store(root) else look_at(root)
        below = listed(root) if entry.is_folder else []
    except StorageError:
        yield root, True
        return
    if not below or any(not entry.is_folder for entry in below):
        yield root, not below
    yield from ((entry.address, True) for entry in below if entry.is_folder)


def places_below(case: Address, whole: bool) -> Iterator[Place]:
    """Find what is fetched as one, with all below a case or only the files directly in it; one folder is listed at a time.

    Raises
    ------
    StorageError
        There is nothing, or the server does not answer.
    """
    if whole and is_store(case):
        yield Place(case)
        return
    entry = look_at(case)
    if not entry.is_folder:
        yield Place(case)
    else:
        yield from _in_folder(case, listed(case), whole)


def _in_folder(folder: Address, entries: Sequence[Entry], deep: bool) -> Iterator[Place]:
    own, others = divided([entry for entry in entries if not entry.is_folder])
    yield from (Place(entry.address, len(own)) for entry in own)
    if others:
        yield Place(folder)
    for entry in entries:
        if entry.is_folder and deep:
            below = listed(entry.address)
            if _is_store(entry.address, below):
                yield Place(entry.address)
            else:
                yield from _in_folder(entry.address, below, deep)


def _is_store(folder: Address, entries: Sequence[Entry]) -> bool:
    """Whether it is a store; asked only where its name or its files may be those of one, for it takes three requests."""
    names = [entry.address.name for entry in entries if not entry.is_folder]
    may_be = suffix_of(Path(folder.name)) == ".zarr" or not names or "zarr.json" in names
    return may_be and is_store(folder)


def divided(files: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Divide the files of a folder into those that are fetched each by itself, and those that are fetched together."""
    paths = {entry: Path(entry.address.name) for entry in files}
    headers = {stem_of(path) for path in paths.values() if suffix_of(path) in _HEADERS}
    pixels = {
        entry for entry, path in paths.items() if suffix_of(path) in _PIXELS and stem_of(path) in headers
    }
    own = [entry for entry, path in paths.items() if entry not in pixels and suffix_of(path) in _VOLUMES]
    others = [
        entry
        for entry, path in paths.items()
        if entry not in pixels and suffix_of(path) not in _VOLUMES and not _is_no_image(path)
    ]
    if not own and all(suffix_of(paths[entry]) in PICTURE.suffixes for entry in others):
        return others, []
    return own, others


def _is_no_image(path: Path) -> bool:
    return suffix_of(path) in _NO_IMAGES or path.name.upper() == "DICOMDIR"
