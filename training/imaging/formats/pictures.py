"""Pictures: PNG, JPEG, TIFF and BMP as grey values, 8 and 16 bit."""

from __future__ import annotations

import warnings as python_warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageOps, UnidentifiedImageError

from ..errors import CorruptFileError, EmptyFileError, ImageNotFoundError, TruncatedFileError
from ..image import Image
from ..radiograph.grayscale import to_grayscale
from ..series import Series
from ..values import as_int16_or_float32

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Suffixes that are read as pictures without a scale."""
_BITS, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0  # TIFF 6.0
_FAILURES = (OSError, SyntaxError, ValueError, EOFError, Picture.DecompressionBombError)


def read_picture(path: Path) -> Image:
    """Read a picture as grey values, taken to have dark air.

    Colours become luminance (how much is coloured is in ``metadata["color_fraction"]``), an alpha channel is dropped, a palette
    and CMYK inks are resolved, and the camera's orientation mark (EXIF) is followed. The resolution that such files may
    state (dots per inch) is that of print and screen: lengths are in pixels.

    Returns
    -------
    Image
        int16, or float32 for values beyond 32767; no spacing.

    Raises
    ------
    ImageError
        The file is missing, empty, cut off or damaged.
    """
    _check_bytes(path)
    values = _read(path)
    color = 0.0
    if values.ndim == 3 and values.shape[-1] >= 3:
        values, color = to_grayscale(values[..., :3])
    elif values.ndim == 3:
        values = values[..., 0]
    return Image(
        voxels=as_int16_or_float32(values),
        series_uid=path.stem,
        source=path,
        metadata={"color_fraction": color} if color else {},
        warnings=(f"{path.name} does not state its pixel size: lengths are in pixels.",),
    )


def picture_series(path: Path) -> Series:
    """Describe a picture by its header."""
    _check_bytes(path)
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            with Picture.open(path) as picture:
                # Orientation marks 5 to 8 turn the picture on its side.
                turned = picture.getexif().get(0x0112, 1) >= 5
                width, height = picture.size[::-1] if turned else picture.size
    except UnidentifiedImageError:
        height, width = _read_with_itk(path).shape[:2]
    except _FAILURES as error:
        raise _unreadable(path, error) from error
    return Series(uid=path.stem, shape=(height, width), files=(path,), path=path)


def _check_bytes(path: Path) -> None:
    if not path.exists():
        raise ImageNotFoundError(f"{path} does not exist; check the path.")
    if path.stat().st_size == 0:
        raise EmptyFileError(f"{path} is empty (0 bytes); copy it again from where it came from.")


def _read(path: Path) -> np.ndarray:
    """Grey (h, w) or with channels (h, w, n): by Pillow, which knows EXIF and CMYK, or by ITK where that keeps more depth."""
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")  # on odd tags
            with Picture.open(path) as picture:
                if not _reduces_depth(picture):
                    return _pixels(picture)
    except UnidentifiedImageError:
        return _read_with_itk(path)
    except _FAILURES as error:
        raise _unreadable(path, error) from error
    return _read_with_itk(path)


def _reduces_depth(picture: Any) -> bool:
    """Whether Pillow would make 8 bits of the 16-bit colours of a PNG or TIFF."""
    bits = getattr(picture, "tag_v2", {}).get(_BITS, (8,))
    stored = str(picture.tile[0][3]) if picture.tile else ""  # in PNG such as "RGB;16B"
    return picture.mode.startswith("RGB") and (max(bits) > 8 or ";16" in stored)


def _pixels(picture: Any) -> np.ndarray:
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in ("1", "L", "LA") or upright.mode[0] in "IF":
        values = np.asarray(upright)
        # Pillow turns the scale of 8-bit TIFF whose white is 0, but not that of 16 bits.
        tags = getattr(picture, "tag_v2", {})
        if upright.mode.startswith("I;16") and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
            values = np.iinfo(np.uint16).max - values
        return values
    if upright.mode == "La":
        return np.asarray(upright.convert("LA"))
    return np.asarray(upright.convert("RGB"))


def _read_with_itk(path: Path) -> np.ndarray:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    except RuntimeError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> CorruptFileError | TruncatedFileError:
    reason = str(error).lower()
    if any(word in reason for word in ("truncated", "unexpected end", "not enough", "read past", "eof")):
        return TruncatedFileError(f"{path} is cut off; copy it again from where it came from.")
    return CorruptFileError(f"{path} cannot be read as a picture; check that the file is complete.")
