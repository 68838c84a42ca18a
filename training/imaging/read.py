"""`read_image`: any file or folder becomes an `Image`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .dicom_stack import Stack
from .dicom_volume import read_stack
from .errors import (
    ImageNotFoundError,
    NoImagesError,
    NoPixelDataError,
    SeriesNotFoundError,
    SeveralSeriesError,
    UnknownFormatError,
)
from .image import Image
from .ome_zarr import is_zarr, read_zarr, zarr_series
from .radiograph import PICTURE_SUFFIXES, read_picture, read_radiograph
from .series import Contents, describe, scan_file, scan_folder, stack_series
from .volume_files import VOLUME_SUFFIXES, read_volume, stem_of, suffix_of, volume_series


def read_image(path: str | Path, *, series: str | None = None) -> Image:
    """Read a study: a DICOM series, a volume file, an OME-Zarr store or a picture.

    Parameters
    ----------
    path
        A folder of DICOM files (folders below it included), one DICOM file (its whole series in that folder is
        read), ``.mhd``, ``.mha``, ``.nii``, ``.nii.gz``, ``.nrrd``, ``.zarr``, ``.png`` or ``.jpg``.
    series
        Which one (`Series.uid`) where there are several.

    Returns
    -------
    Image
        On LPS+ axes. CT in Hounsfield units, not below -1024 when it comes from DICOM; `warnings` say what was
        filled, left out or resampled.

    Raises
    ------
    SeveralSeriesError
        There are several series and none was chosen; its ``series`` lists them.
    ImageError
        Anything else that is wrong with the files, one subclass per case.
    """
    path = Path(path)
    if not path.exists():
        raise ImageNotFoundError(f"{path} does not exist; check the path.")
    if is_zarr(path):
        return read_zarr(path)
    if path.is_dir():
        return _read_folder(path, scan_folder(path), series)
    if suffix_of(path) in VOLUME_SUFFIXES:
        return read_volume(path)
    if suffix_of(path) in PICTURE_SUFFIXES:
        return read_picture(path)
    contents = scan_file(path)
    if not contents.stacks:
        raise _no_picture(path)
    return _read_folder(path, contents, series)


def _read_folder(path: Path, contents: Contents, series: str | None) -> Image:
    named: dict[str, Stack | Path] = {stem_of(volume): volume for volume in contents.volumes}
    named |= {stack.uid: stack for stack in contents.stacks}
    if series is not None:
        if series not in named:
            raise SeriesNotFoundError(
                f"{path} holds no series {series}; choose one of: {', '.join(named) or 'none'}."
            )
        return _read_one(named[series], path, contents)
    if not named:
        details = " ".join(why for why in contents.unread.values() if why)
        raise NoImagesError(
            f"{path} holds no image that can be read; choose a folder with DICOM files. {details}".strip()
        )
    if len(contents.stacks) + len(contents.volumes) > 1:
        found = [stack_series(s, contents) for s in contents.stacks]
        found += [zarr_series(v) if v.is_dir() else volume_series(v) for v in contents.volumes]
        raise SeveralSeriesError(
            f"{path} holds {len(found)} series; choose one by its identifier:\n{describe(found)}", found
        )
    return _read_one(next(iter(named.values())), path, contents)


def _read_one(which: Stack | Path, path: Path, contents: Contents) -> Image:
    if isinstance(which, Path):
        return read_zarr(which) if which.is_dir() else read_volume(which)
    image = read_radiograph(which, path) if which.is_radiograph else read_stack(which, path)
    passed_over = contents.warnings_for({s.path.parent for s in which.slices})
    return replace(image, warnings=(*image.warnings, *passed_over))


def _no_picture(path: Path) -> UnknownFormatError | NoPixelDataError:
    from .dicom_header import read_header

    header = read_header(path)
    if header is None:
        return UnknownFormatError(
            f"{path} is no format that is read here; open DICOM, MHD, MHA, NIfTI, NRRD, OME-Zarr, PNG or JPEG."
        )
    return NoPixelDataError(
        f"{path} is DICOM without a picture (modality {header.code('Modality') or 'not stated'}); open the CT series instead."
    )
