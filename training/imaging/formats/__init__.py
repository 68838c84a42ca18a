"""The formats besides DICOM, one row each: which paths are of it, how it is described, and how it is read.

A path is looked up here once (`format_of`); what is found goes along with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ...error_boundary import reads
from ..errors import UnreadableFileError
from ..image import Image
from ..paths import suffix_of
from ..series import Series
from .flat_volumes import flattened, spacing_is_known
from .itk import VOLUME_SUFFIXES, read_volume, volume_series
from .jsrt import SUFFIX, is_jsrt, jsrt_series, read_jsrt
from .ome_zarr import is_zarr, read_zarr, zarr_series
from .pictures import PICTURE_SUFFIXES, picture_series, read_picture


@dataclass(frozen=True)
class Format:
    """A kind of file (or folder) that holds one image.

    Parameters
    ----------
    suffixes
        In lower case, with the dot.
    is_mine
        Whether a path that bears such a suffix is of it, by no more than a look at its size or at the names in it.
    describe
        What the header says, without reading a pixel.
    read
        The image.
    flat
        Whether it holds nothing but pictures, so that an image of it must be a radiograph.
    in_folders
        Whether such a file within a folder is a study of its own. A folder of pictures is an album.
    """

    suffixes: tuple[str, ...]
    is_mine: Callable[[Path], bool]
    describe: Callable[[Path], Series]
    read: Callable[[Path], Image]
    flat: bool = False
    in_folders: bool = True

    def __post_init__(self) -> None:
        """Whatever these raise has a sentence: one file that no reader foresaw does not cost a folder its others."""
        for name in ("describe", "read"):
            object.__setattr__(self, name, reads(UnreadableFileError)(getattr(self, name)))


def format_of(path: Path) -> Format | None:
    """Look up the format of a path, or None: then it is DICOM, or a folder of files, or nothing that is read here."""
    form = format_by_suffix(path)
    if form is not None and form.is_mine(path):
        return form
    return ZARR if ZARR.is_mine(path) else None  # a store may have any name


def format_by_suffix(path: Path) -> Format | None:
    """Look up the format that a name claims, whatever the file holds."""
    return _BY_SUFFIX.get(suffix_of(path))


def _is_no_folder(path: Path) -> bool:
    return not path.is_dir()


def _read_itk(path: Path) -> Image:
    return flattened(read_volume(path))


def _describe_itk(path: Path) -> Series:
    series = volume_series(path)
    if len(series.shape) == 2 and series.spacing and not spacing_is_known(series.spacing, series.shape):
        return replace(series, spacing=None)
    return series


ZARR = Format((".zarr",), is_zarr, zarr_series, read_zarr)
ITK = Format(VOLUME_SUFFIXES, _is_no_folder, _describe_itk, _read_itk)
JSRT = Format((SUFFIX,), is_jsrt, jsrt_series, read_jsrt, flat=True)
PICTURE = Format(PICTURE_SUFFIXES, _is_no_folder, picture_series, read_picture, flat=True, in_folders=False)
FORMATS = (ZARR, ITK, JSRT, PICTURE)
"""OME-Zarr; MetaImage, NIfTI and NRRD; radiographs of the JSRT database; pictures."""
_BY_SUFFIX = {suffix: form for form in FORMATS for suffix in form.suffixes}
