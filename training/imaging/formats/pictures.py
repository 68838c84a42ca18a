"""Pictures: PNG, JPEG, TIFF and BMP as grey values of any depth."""

from __future__ import annotations

import io
import struct
import warnings as python_warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageOps, UnidentifiedImageError

from ..errors import CorruptFileError, ImageError, TruncatedFileError, UnsupportedShapeError
from ..image import Image
from ..radiograph.grayscale import to_grayscale
from ..series import Series
from ..values import as_int16_or_float32
from .content import check_bytes
from .picture_damage import check_picture
from .tiff import aspect_warning, is_tiff, read_tiff, tiff_shape, upright

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
"""Suffixes that are read as pictures without a scale."""
_BITS, _SAMPLE_FORMAT, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 339, 262, 0  # TIFF 6.0
_ORIENTATION = 0x0112
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_FAILURES = (OSError, SyntaxError, ValueError, EOFError, TypeError, KeyError, struct.error)


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
        The file is missing, empty, cut off, damaged, or of a kind that is not read.
    """
    check_bytes(path)
    values, said = _read(path)
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
        warnings=(f"{path.name} does not state its pixel size: lengths are in pixels.", *said),
    )


def picture_series(path: Path) -> Series:
    """Describe a picture by its header."""
    check_bytes(path)
    if is_tiff(path):
        return Series(uid=path.stem, shape=tiff_shape(path), files=(path,), path=path)
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            with Picture.open(path, formats=_FORMATS) as picture:
                # Orientation marks 5 to 8 turn the picture on its side.
                turned = picture.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
                width, height = picture.size[::-1] if turned else picture.size
    except (*_FAILURES, Picture.DecompressionBombError) as error:
        raise _unreadable(path, error) from error
    return Series(uid=path.stem, shape=(height, width), files=(path,), path=path)


def _read(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Grey (h, w) or with channels (h, w, n), and what is to be said."""
    if is_tiff(path):
        values, said = read_tiff(path)
        return (_read_with_pillow(path) if values is None else values), said
    said = check_picture(path)
    values = _read_with_pillow(path)
    return values, (*said, *_frames(path))


def _frames(path: Path) -> tuple[str, ...]:
    """Sentences on further pictures and on pixels that are not square."""
    with Picture.open(path, formats=_FORMATS) as picture:
        count = getattr(picture, "n_frames", 1) if picture.format == "PNG" else 1
        density = picture.info.get("dpi") or picture.info.get("aspect") or picture.info.get("jfif_density")
    said = (f"{path.name} is animated: the first of {count} pictures was opened.",) if count > 1 else ()
    return (*said, *aspect_warning(density, path.name))


def _read_with_pillow(path: Path) -> np.ndarray:
    """By Pillow, which knows EXIF and CMYK, or by ITK where that keeps more depth."""
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")  # on odd tags
            with Picture.open(path, formats=_FORMATS) as picture:
                _check_type(picture, path)
                stored, reduced = _stored(picture), _reduces_depth(picture)
                orientation = picture.getexif().get(_ORIENTATION, 1)  # PNG is decoded for it
                if stored == "LA;16B":
                    return upright(_gray_and_alpha_16(path), orientation)
                if not reduced:
                    return _pixels(picture)
    except ImageError:
        raise
    except (*_FAILURES, Picture.DecompressionBombError) as error:
        raise _unreadable(path, error) from error
    return np.ascontiguousarray(upright(_read_with_itk(path), orientation))


def _check_type(picture: Any, path: Path) -> None:
    """Refuse packed TIFF numbers that Pillow would take for others."""
    tags = getattr(picture, "tag_v2", {})
    bits, kind = tags.get(_BITS, (8,)), tags.get(_SAMPLE_FORMAT, (1,))
    bits, kind = (max(v) if isinstance(v, tuple) else v for v in (bits, kind))
    if (kind == 3 and bits != 32) or bits > 32 or (kind == 2 and bits == 8) or (kind == 1 and bits == 32):
        name = {1: "unsigned integers", 2: "signed integers", 3: "floats"}.get(kind, "numbers")
        raise UnsupportedShapeError(
            f"{path} holds {bits}-bit {name} packed in a way that is not read; save it uncompressed or with Deflate."
        )


def _stored(picture: Any) -> str:
    return str(picture.tile[0][3]) if picture.tile else ""  # in PNG such as "RGB;16B"


def _gray_and_alpha_16(path: Path) -> np.ndarray:
    """Read a PNG of 16-bit grey with alpha as one of four 8-bit channels: the bytes are the same, and Pillow keeps them all."""
    data = bytearray(path.read_bytes())
    data[24:26] = b"\x08\x06"  # bits and colour type
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with Picture.open(io.BytesIO(data)) as picture:
        channels = np.asarray(picture)
    return channels[..., 0].astype(np.uint16) * 256 + channels[..., 1]


def _reduces_depth(picture: Any) -> bool:
    """Whether Pillow would make 8 bits of the 16-bit colours of a PNG or TIFF."""
    bits = getattr(picture, "tag_v2", {}).get(_BITS, (8,))
    return picture.mode.startswith("RGB") and (max(bits) > 8 or ";16" in _stored(picture))


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


def _unreadable(path: Path, error: Exception) -> ImageError:
    reason = str(error).lower()
    if isinstance(error, Picture.DecompressionBombError):
        return UnsupportedShapeError(f"{path} has more pixels than any radiograph; save a smaller picture.")
    if isinstance(error, UnidentifiedImageError):
        return CorruptFileError(
            f"{path} begins as no PNG, JPEG, TIFF or BMP; check that the file is complete and of its kind."
        )
    if any(word in reason for word in ("truncated", "unexpected end", "not enough", "read past", "eof")):
        return TruncatedFileError(f"{path} is cut off; copy it again from where it came from.")
    why = str(error).splitlines()[-1].strip() if str(error).strip() else type(error).__name__
    return CorruptFileError(f"{path} cannot be read as a picture ({why}); copy it again, or save it as PNG.")
