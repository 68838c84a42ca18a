"""DICOMDIR: the directory of a CD, which lists files and holds no picture itself (PS3.10 8)."""

from __future__ import annotations

import warnings
from pathlib import Path

from .dicom.header import is_part10
from .errors import CorruptFileError

_CLASS = "1.2.840.10008.1.3.10"


def is_media_directory(path: Path) -> bool:
    """Tell whether a file is a DICOMDIR, by its class and not by its name."""
    from pydicom.filereader import read_file_meta_info

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return is_part10(path) and read_file_meta_info(path).get("MediaStorageSOPClassUID") == _CLASS
    except Exception:  # whatever pydicom makes of damaged bytes
        return False


def listed_files(path: Path) -> tuple[list[Path], int]:
    """Find the files that a DICOMDIR lists, whatever the case of their names; also how many it lists.

    Raises
    ------
    CorruptFileError
        It is broken.
    """
    from pydicom import dcmread

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            records = dcmread(path, force=True, specific_tags=["DirectoryRecordSequence"]).get(
                "DirectoryRecordSequence"
            )
            names = [record.get("ReferencedFileID") for record in records or []]
            listed = [[str(n)] if isinstance(n, str) else [str(part) for part in n] for n in names if n]
    except Exception as error:  # whatever pydicom makes of damaged bytes
        raise CorruptFileError(f"{path} is a broken DICOMDIR ({error}); open its folder instead.") from error
    below: dict[Path, dict[str, Path]] = {}
    found = [_find(path.parent, parts, below) for parts in listed]
    return list(dict.fromkeys(file for file in found if file is not None)), len(listed)


def _find(folder: Path, parts: list[str], below: dict[Path, dict[str, Path]]) -> Path | None:
    """A path in which each name may be written in other letters, as copies of ISO 9660 discs are."""
    for part in parts:
        if folder not in below:
            below[folder] = {p.name.lower(): p for p in folder.iterdir()} if folder.is_dir() else {}
        names = below[folder]
        found = names.get(part.lower()) or names.get(f"{part.lower()};1") or names.get(f"{part.lower()}.")
        if found is None or part in ("", ".", ".."):
            return None
        folder = found
    return folder if folder.is_file() else None
