"""Two-dimensional pictures: projection radiographs in DICOM, and PNG or JPEG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .dicom_pixels import read_hounsfield
from .dicom_stack import Stack
from .dicom_volume import metadata_of, window_of
from .errors import CorruptFileError, EmptyFileError
from .image import Image

_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601


def read_radiograph(stack: Stack, source: Path) -> Image:
    """Read a projection radiograph with dark air.

    MONOCHROME1 (bright air) is inverted within the range of its stored bits, the proposed window with it. Spacing
    is PixelSpacing, or ImagerPixelSpacing (at the detector, so the body is smaller) with a warning, or None.
    """
    s = stack.slices[0]
    header = s.header
    voxels, failures = read_hounsfield([s], clip=False)
    if failures:
        raise failures[0][1]
    values, window, warnings = voxels[0], window_of(s), list(stack.warnings)
    if header.code("PhotometricInterpretation") == "MONOCHROME1":
        ends = s.slope * np.array(_stored_range(stack)) + s.intercept
        values = (ends.sum() - values.astype(np.float64)).astype(values.dtype)
        window = None if window is None else (float(ends.sum()) - window[0], window[1])
    spacing = s.pixel_spacing
    if spacing is None:
        imager = header.numbers("ImagerPixelSpacing")
        if len(imager) == 2 and min(imager) > 0:
            spacing = (imager[0], imager[1])
            warnings.append(
                "Lengths are measured at the detector; in the body they are some 5 to 15 % shorter."
            )
        else:
            warnings.append(f"{s.path.name} has no usable pixel spacing: lengths are in pixels.")
    return Image(
        voxels=values,
        modality=stack.modality,
        spacing=spacing,
        series_uid=stack.uid,
        source=source,
        window=window,
        metadata=metadata_of(s) | {"sop_instance_uids": (header.code("SOPInstanceUID"),)},
        warnings=tuple(warnings),
    )


def read_picture(path: Path) -> Image:
    """Read a PNG or JPEG as grey values; colours become luminance and an alpha channel is dropped."""
    import SimpleITK as sitk

    if path.stat().st_size == 0:
        raise EmptyFileError(f"{path} is empty (0 bytes); copy it again from where it came from.")
    try:
        values = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    except RuntimeError as error:
        raise CorruptFileError(
            f"{path} cannot be read as a picture; check that the file is complete."
        ) from error
    if values.ndim == 3 and values.shape[-1] >= 3:
        values = np.rint(values[..., :3] @ np.array(_LUMINANCE))
    elif values.ndim == 3:
        values = values[..., 0]
    return Image(
        voxels=values.astype(np.int16 if values.max(initial=0) <= 32767 else np.float32),
        series_uid=path.stem,
        source=path,
        warnings=(f"{path.name} does not state its pixel size: lengths are in pixels.",),
    )


def _stored_range(stack: Stack) -> tuple[int, int]:
    header = stack.header
    bits = header.integer("BitsStored", 16)
    return (
        (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        if header.integer("PixelRepresentation")
        else (0, 2**bits - 1)
    )
