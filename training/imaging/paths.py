"""Names of files: the suffix that decides a format, and what is left without it."""

from __future__ import annotations

from pathlib import Path

_PACKED = (".nii.gz", ".hdr.gz", ".img.gz")


def suffix_of(path: Path) -> str:
    """Return the suffix in lower case, with both parts of ``.nii.gz`` and its like."""
    name = path.name.lower()
    return next((suffix for suffix in _PACKED if name.endswith(suffix)), path.suffix.lower())


def stem_of(path: Path) -> str:
    """Return the name without suffix; dots inside it, as in series uids, stay."""
    return path.name[: len(path.name) - len(suffix_of(path))]
