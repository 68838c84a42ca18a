"""Write volumes: MetaImage (MHD/RAW, MHA), NIfTI and NRRD by SimpleITK, and OME-Zarr."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np

from ..errors import ImageWriteError
from ..image import Image
from ..paths import stem_of, suffix_of

_WRITTEN = (".mhd", ".mha", ".nii", ".nii.gz", ".nrrd")


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
        from .ome_zarr.write import write_zarr

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


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].split("): ", 1)[-1].rstrip(".") if lines else type(error).__name__
