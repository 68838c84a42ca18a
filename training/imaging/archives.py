"""Archives, in which studies are sent: they are unpacked before they are opened."""

from __future__ import annotations

from pathlib import Path

from .paths import suffix_of

GZIP = "compressed with gzip"
UNPACK = "unpack it and open what is in it."
_SUFFIXES = frozenset({".zip", ".7z", ".rar", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".iso"})
_STARTS = {
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x1f\x8b\x08": GZIP,
    b"BZh": "compressed with bzip2",
    b"\x28\xb5\x2f\xfd": "compressed with zstandard",
    b"\xfd7zXZ\0": "compressed with xz",
}
_DISC = 32769  # where the first volume descriptor of an ISO 9660 image names its kind


def archive_sentence(path: Path) -> str:
    """Say that a file is an archive and must be unpacked, or ``""`` where it is none."""
    kind = archive_kind(path)
    return f"{path} is {kind}; {UNPACK}" if kind else ""


def archive_kind(path: Path) -> str:
    """Name the kind of archive that a file is by what it begins with, or ``""``."""
    try:
        with open(path, "rb") as file:
            start = file.read(512)
            file.seek(_DISC)
            disc = file.read(5)
    except OSError:
        return ""
    if start[128:132] == b"DICM":
        return ""
    kind = next((words for magic, words in _STARTS.items() if start.startswith(magic)), "")
    return kind or (
        "a tar archive" if start[257:262] == b"ustar" else "an image of a disc" * (disc == b"CD001")
    )


def is_archive_name(path: Path) -> bool:
    """Tell whether a file bears a suffix of archives; many documents are zip archives too, and nobody's study."""
    return suffix_of(path) in _SUFFIXES or path.suffix.lower() in _SUFFIXES
