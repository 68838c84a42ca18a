"""Names of files: the suffix that decides a format, and what is left without it."""

from __future__ import annotations

from pathlib import Path


def suffix_of(path: Path) -> str:
    """Return the suffix in lower case, with both parts of ``.nii.gz``."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def stem_of(path: Path) -> str:
    """Return the name without suffix; dots inside it, as in series uids, stay."""
    return path.name[: len(path.name) - len(suffix_of(path))]
