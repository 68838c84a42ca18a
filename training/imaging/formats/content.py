"""What a file begins with, whatever its name says: an image of some format, or certainly none (web pages, archives)."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from ..archives import GZIP, UNPACK, archive_kind
from ..errors import CorruptFileError, EmptyFileError, ImageNotFoundError

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

_DOWNLOAD = "is a web page: the download failed; get the file again."
_PICTURE = "is a picture of another format ({}); save it as PNG."
_KINDS: tuple[tuple[bytes, str], ...] = (
    (
        rb"version https://git-lfs",
        "is a pointer of Git LFS and not the file itself; fetch it with 'git lfs pull'.",
    ),
    (
        rb"[./\w\\]*\.git/annex/|/annex/objects/",
        "is a pointer of git-annex and not the file itself; fetch it with 'git annex get'.",
    ),
    (rb"(<!--.*?(-->|\Z)\s*)*<(!doctype html|html|head|body)", _DOWNLOAD),
    (rb"<\?xml.*<(!doctype html|html|error)", _DOWNLOAD),
    (rb"<!--", "is a document of HTML or XML; get the image itself."),
    (rb"<\?xml", "is an XML document; open the image that belongs to it."),
    (rb"[\[{]\s*[\"\[{}\]]", "is a JSON document; open the image that belongs to it, or download it again."),
    (rb"%pdf", "is a PDF document; export the picture itself."),
    (rb"gif8[79]a", _PICTURE.format("GIF")),
    (rb"riff.{4}webp", _PICTURE.format("WebP")),
    (rb".{4}ftyp(heic|heix|hevc|mif1|msf1|avif)", _PICTURE.format("HEIC or AVIF")),
    (rb"\0\0\0\x0cjp  |\xff\x4f\xff\x51", _PICTURE.format("JPEG 2000")),
    (rb"\xff\x0a|\0\0\0\x0cjxl ", _PICTURE.format("JPEG XL")),
    (rb"8bps", _PICTURE.format("Photoshop")),
    (
        rb"\x89hdf\r\n",
        "is an HDF5 file (also of MINC and MATLAB), which is not read; save it as NIfTI or NRRD.",
    ),
    (rb"cdf[\1\2]", "is a netCDF file (also of MINC), which is not read; save it as NIfTI or NRRD."),
)
"""What files begin with, in lower case and after blanks, that are no images whatever their names say."""


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


def check_bytes(path: Path) -> None:
    """Refuse a path with nothing in it, or with something that is certainly no image.

    Raises
    ------
    ImageNotFoundError, EmptyFileError, CorruptFileError
        There is no file, it has no bytes, or it is a document, an archive or a picture of a format that is not read.
    """
    if not path.exists():
        raise ImageNotFoundError(f"{path} does not exist; check the path.")
    if path.stat().st_size == 0:
        raise EmptyFileError(f"{path} is empty (0 bytes); copy it again from where it came from.")
    if what := what_it_is(path):
        raise CorruptFileError(f"{path} {what}")


def what_it_is(path: Path) -> str:
    """Tell what a file is that is certainly no image, as the rest of a sentence that begins with its name; else nothing."""
    kind = archive_kind(path)
    if kind and kind != GZIP:  # volumes come in gzip
        return f"is {kind}; {UNPACK}"
    with open(path, "rb") as file:
        data = file.read(512).lower()
    begin = data.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    for start, what in _KINDS:
        if re.match(start, data, re.DOTALL) or re.match(start, begin, re.DOTALL):
            return what
    return ""
