"""What a file begins with, whatever its name says."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

_PICTURES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
)  # PNG, JPEG, TIFF, BigTIFF
_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # lengths that BMP's second header may have
_NIFTI = (b"n+1\0", b"ni1\0")
_NIFTI_2 = (b"n+2\0", b"ni2\0")
_METAIMAGE = re.compile(rb"\s*(ObjectType|ObjectSubType|NDims|Comment)\s*[=:]")


def content_of(path: Path) -> str:
    """Tell what a file begins as: ``"dicom"``, ``"metaimage"``, ``"nifti"``, ``"nrrd"``, ``"picture"``, or ``""``."""
    try:
        with open(path, "rb") as file:
            data = file.read(540)
    except OSError:  # a folder, or none of ours to read
        return ""
    if data[128:132] == b"DICM":
        return "dicom"
    if data.startswith(_PICTURES) or _is_bitmap(data):
        return "picture"
    if data.startswith(b"NRRD000"):
        return "nrrd"
    if _METAIMAGE.match(data):
        return "metaimage"
    if data.startswith(b"\x1f\x8b"):
        try:
            data = unpacked_start(path, 540)
        except (OSError, EOFError, zlib.error):
            return ""
    return "nifti" if data[344:348] in _NIFTI or data[4:8] in _NIFTI_2 else ""


def unpacked_start(path: Path, length: int) -> bytes:
    """Read the first bytes of a file, unpacked where it is of gzip, whatever its name says.

    Raises
    ------
    OSError, EOFError, zlib.error
        It cannot be opened or unpacked.
    """
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else open(path, "rb") as opened:
        return bytes(opened.read(length))


def _is_bitmap(data: bytes) -> bool:
    return data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BITMAP_HEADERS
