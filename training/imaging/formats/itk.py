"""Volumes in one file: MetaImage (MHD/RAW, MHA), NIfTI, NRRD, read and written by SimpleITK."""

from __future__ import annotations

import contextlib
import gzip
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import (
    BadGeometryError,
    CorruptFileError,
    EmptyFileError,
    ImageNotFoundError,
    ImageWriteError,
    TruncatedFileError,
    UnsupportedShapeError,
)
from ..image import Image
from ..orient import to_lps
from ..paths import stem_of, suffix_of
from ..series import Series
from ..values import as_int16_or_float32

VOLUME_SUFFIXES = (".mhd", ".mha", ".nii", ".nii.gz", ".nrrd", ".nhdr")
"""Suffixes that are read as volumes."""
_WRITTEN = (".mhd", ".mha", ".nii", ".nii.gz", ".nrrd")


def read_volume(path: Path) -> Image:
    """Read a volume file, brought to LPS+ axes; NIfTI's RAS coordinates are converted.

    Parameters
    ----------
    path
        ``.mhd``, ``.mha``, ``.nii``, ``.nii.gz``, ``.nrrd`` or ``.nhdr``; two- or three-dimensional, grey.

    Returns
    -------
    Image
        Values as stored (int16 where they fit, otherwise float32); modality ``""``.

    Raises
    ------
    ImageError
        The file is missing, empty, damaged, or holds colours or a time series.
    """
    import SimpleITK as sitk

    reader = _information(path)
    if reader.GetNumberOfComponents() != 1:
        raise UnsupportedShapeError(
            f"{path} has {reader.GetNumberOfComponents()} values per voxel; save one grey channel and open that."
        )
    if suffix_of(path) in (".nii", ".nii.gz"):
        _check_nifti_length(path, reader)
    try:
        volume = reader.Execute()
    except RuntimeError as error:
        raise _unreadable(path, error) from error
    size = list(volume.GetSize())
    while len(size) > 3 and size[-1] == 1:  # a time series of one moment
        size = size[:-1]
        volume = sitk.Extract(volume, [*size, 0], strategy=volume.DIRECTIONCOLLAPSETOSUBMATRIX)
    if len(size) > 3:
        raise UnsupportedShapeError(f"{path} has {len(size)} axes {tuple(size)}; save one volume per file.")
    voxels = as_int16_or_float32(sitk.GetArrayFromImage(volume))
    common: dict[str, Any] = {"series_uid": stem_of(path), "source": path}
    spacing, origin = volume.GetSpacing()[::-1], volume.GetOrigin()[::-1]
    if volume.GetDimension() == 2:
        return Image(voxels, spacing=spacing, origin=origin, **common)
    direction = np.asarray(volume.GetDirection()).reshape(3, 3)
    steps = (direction * np.asarray(volume.GetSpacing())).T[::-1, ::-1]
    voxels, spacing, origin, kind = to_lps(voxels, steps, np.asarray(origin), str(path))
    said = ("The volume lies oblique in the patient: it was resampled to straight axes.",) if kind else ()
    return Image(voxels, spacing=spacing, origin=origin, warnings=said, **common)


def volume_series(path: Path) -> Series:
    """Describe a volume file by its header."""
    reader = _information(path)
    shape = tuple(reader.GetSize()[::-1])
    return Series(
        uid=stem_of(path),
        n_slices=shape[0] if len(shape) > 2 else 1,
        spacing=tuple(reader.GetSpacing()[::-1]),
        shape=shape,
        files=(path,),
        path=path,
    )


def write_volume(image: Image, path: str | Path) -> Path:
    """Write a volume file where other programs find every voxel at the same place in the patient.

    Parameters
    ----------
    image
        Image with a spacing; values and their type are kept.
    path
        The suffix decides: ``.mhd`` (with ``.raw`` beside it), ``.mha``, ``.nii``, ``.nii.gz``, ``.nrrd``, or
        ``.zarr`` (OME-Zarr). An existing file is replaced, and only once the new one is complete.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ImageWriteError
        Unknown suffix, no spacing, disk full, no permission.
    """
    path = Path(path)
    suffix = suffix_of(path)
    if image.spacing is None:
        raise ImageWriteError(f"{path} was not written: the image has no spacing in mm.")
    if suffix == ".zarr":
        from .ome_zarr import write_zarr

        return write_zarr(image, path)
    if suffix not in _WRITTEN:
        raise ImageWriteError(
            f"{path} was not written: its suffix is none of {', '.join((*_WRITTEN, '.zarr'))}."
        )
    import SimpleITK as sitk

    volume = sitk.GetImageFromArray(np.ascontiguousarray(image.voxels))
    volume.SetSpacing(image.spacing[::-1])
    volume.SetOrigin(image.origin[::-1])
    is_float = image.voxels.dtype.kind == "f"
    # MHD names its pixel file inside, so it cannot be written under another name first.
    partial = path if suffix == ".mhd" else path.with_name(f".{stem_of(path)}.partial{suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(volume, str(partial), useCompression=suffix in (".mha", ".nrrd", ".nii.gz"))
        # ITK says nothing when the disk is full: only reading back tells.
        written = sitk.ReadImage(str(partial))
        if not np.array_equal(sitk.GetArrayViewFromImage(written), image.voxels, equal_nan=is_float):
            raise OSError("not all of it reached the disk")
        os.replace(partial, path)
    except (RuntimeError, OSError) as error:
        if partial != path:
            with contextlib.suppress(OSError):
                partial.unlink()
        raise ImageWriteError(
            f"{path} could not be written ({_reason(error)}); check free space and permissions, or choose another folder."
        ) from error
    return path


def _information(path: Path) -> Any:
    import SimpleITK as sitk

    if not path.exists():
        raise ImageNotFoundError(f"{path} does not exist; check the path.")
    if path.stat().st_size == 0:
        raise EmptyFileError(f"{path} is empty (0 bytes); copy it again from where it came from.")
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _unreadable(path, error) from error
    if min(reader.GetSpacing()) <= 0 or not np.all(np.isfinite(reader.GetSpacing() + reader.GetOrigin())):
        raise BadGeometryError(
            f"{path} has spacing {reader.GetSpacing()}; correct the spacing in its header."
        )
    return reader


def _check_nifti_length(path: Path, reader: Any) -> None:
    """ITK fills what a cut-off NIfTI file lacks with zeros and says nothing."""
    bits = int(reader.GetMetaData("bitpix"))
    needed = int(float(reader.GetMetaData("vox_offset"))) + int(np.prod(reader.GetSize())) * bits // 8
    length = path.stat().st_size
    if suffix_of(path) == ".nii.gz":
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(-4, os.SEEK_END)
            claimed = int.from_bytes(file.read(4), "little")  # gzip ends with the length modulo 2**32
        # Another end than expected may still be right (several gzip members, trailing bytes): unpack to know.
        length = length if not packed else needed if claimed == needed % 2**32 else _unpacked_length(path)
    if length < needed:
        raise TruncatedFileError(
            f"{path} is cut off: it holds {length} of {needed} bytes; copy it again from where it came from."
        )


def _unpacked_length(path: Path) -> int:
    length = 0
    with contextlib.suppress(EOFError, OSError, zlib.error), gzip.open(path) as file:
        while block := file.read(1 << 20):
            length += len(block)
    return length


def _unreadable(path: Path, error: RuntimeError) -> CorruptFileError | TruncatedFileError | BadGeometryError:
    reason = _reason(error)
    if "orthonormal" in reason or "determinant" in reason:
        return BadGeometryError(
            f"{path} has no proper axis directions ({reason}); correct them in its header."
        )
    if any(
        word in reason.lower()
        for word in ("only read", "not enough", "unexpected end", "read failed", "decompress")
    ):
        return TruncatedFileError(f"{path} is cut off ({reason}); copy it again from where it came from.")
    return CorruptFileError(
        f"{path} cannot be read ({reason}); check that the file is complete and of its kind."
    )


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].split("): ", 1)[-1].rstrip(".") if lines else type(error).__name__
