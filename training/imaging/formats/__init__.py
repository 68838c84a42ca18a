"""The formats besides DICOM, one row each: which paths are of it, how it is described, and how it is read.

A path is looked up here once (`format_of`); what is found goes along with it. What a file holds counts more than its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...error_boundary import reads
from ..errors import UnreadableFileError
from ..image import Image
from ..paths import suffix_of
from ..series import Series
from .content import content_of
from .jsrt import SUFFIX, is_jsrt, jsrt_series, read_jsrt
from .metaimage import METAIMAGE_SUFFIXES, metaimage_header
from .nifti import NIFTI_SUFFIXES, is_nifti_pair, nifti_header
from .nrrd import NRRD_SUFFIXES, nrrd_header
from .ome_zarr.read import is_zarr, read_zarr, zarr_series
from .pictures import PICTURE_SUFFIXES, picture_series, read_picture
from .volume_header import VolumeHeader, read_volume, volume_series


@dataclass(frozen=True)
class Format:
    """A kind of file (or folder) that holds one image.

    Parameters
    ----------
    suffixes
        In lower case, with the dot.
    is_mine
        Whether a path that bears such a suffix, and does not begin as another format does, is of it.
    describe
        What the header says, without reading a pixel.
    read
        The image.
    content
        What `content_of` calls such a file; empty where nothing at its beginning tells.
    flat
        Whether it holds nothing but pictures, so that an image of it must be a radiograph.
    in_folders
        Whether such a file within a folder is a study of its own. A folder of pictures is an album.
    read_labels
        The image of a label volume, no value of which is made of others; None where `read` makes none.
    """

    suffixes: tuple[str, ...]
    is_mine: Callable[[Path], bool]
    describe: Callable[[Path], Series]
    read: Callable[[Path], Image]
    content: str = ""
    flat: bool = False
    in_folders: bool = True
    read_labels: Callable[[Path], Image] | None = None

    def __post_init__(self) -> None:
        """Whatever these raise has a sentence: one file that no reader foresaw does not cost a folder its others."""
        for name in ("describe", "read", "read_labels"):
            if (reader := getattr(self, name)) is not None:
                object.__setattr__(self, name, reads(UnreadableFileError)(reader))


def format_of(path: Path) -> Format | None:
    """Look up the format of a path, or None: then it is DICOM, or a folder of files, or nothing that is read here."""
    claimed = [form for form in FORMATS if suffix_of(path) in form.suffixes]
    if claimed and path.is_file():
        content = content_of(path)
        if content:  # whatever the name says; DICOM is in no row
            return next((form for form in FORMATS if form.content == content), None)
        return next((form for form in claimed if form.is_mine(path)), None)
    if claimed and not path.exists():
        return next((form for form in claimed if form is not ZARR), None)
    return ZARR if ZARR.is_mine(path) else None  # a store may have any name


def format_by_content(path: Path) -> Format | None:
    """Look up the format of a file that bears no suffix that is known."""
    content = content_of(path)
    return next((form for form in FORMATS if content and form.content == content), None)


def format_by_suffix(path: Path) -> Format | None:
    """Look up the format that a name claims, whatever the file holds."""
    return next((form for form in reversed(FORMATS) if suffix_of(path) in form.suffixes), None)


def _is_file(path: Path) -> bool:
    return path.is_file()


def _is_nifti(path: Path) -> bool:
    return path.is_file() and (suffix_of(path).startswith(".nii") or is_nifti_pair(path))


def _volumes(
    suffixes: tuple[str, ...],
    content: str,
    header: Callable[[Path], VolumeHeader],
    is_mine: Callable[[Path], bool],
) -> Format:
    return Format(
        suffixes,
        is_mine,
        lambda path: volume_series(header(path)),
        lambda path: read_volume(header(path)),
        content,
        read_labels=lambda path: read_volume(header(path), labels=True),
    )


ZARR = Format((".zarr",), is_zarr, zarr_series, read_zarr)
METAIMAGE = _volumes(METAIMAGE_SUFFIXES, "metaimage", metaimage_header, _is_file)
NIFTI = _volumes(NIFTI_SUFFIXES, "nifti", nifti_header, _is_nifti)
NRRD = _volumes(NRRD_SUFFIXES, "nrrd", nrrd_header, _is_file)
JSRT = Format((SUFFIX,), is_jsrt, jsrt_series, read_jsrt, flat=True)
PICTURE = Format(
    PICTURE_SUFFIXES, _is_file, picture_series, read_picture, "picture", flat=True, in_folders=False
)
FORMATS = (ZARR, METAIMAGE, NIFTI, NRRD, JSRT, PICTURE)
"""OME-Zarr; MetaImage, NIfTI and NRRD; radiographs of the JSRT database; pictures."""
