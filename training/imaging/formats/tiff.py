"""TIFF pages by tifffile: every number type, tiles and planes, and the mark which way up.

Pages that are packed otherwise than with Deflate are left to Pillow's libtiff, which knows those codecs.
"""

from __future__ import annotations

import contextlib
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CorruptFileError, ImageError, TruncatedFileError, UnsupportedShapeError

_PLAIN, _DEFLATE = 1, (8, 32946)
_LARGEST = 1 << 31  # bytes of one page
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = 0, 1, 2, 3
_REDUCED = 1  # a bit of NewSubfileType: a small copy of another page


def is_tiff(path: Path) -> bool:
    """Tell whether a file begins as TIFF or BigTIFF."""
    with open(path, "rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_tiff(path: Path) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Read the first page of a TIFF file, upright.

    Returns
    -------
    values : numpy.ndarray or None
        (h, w), dark air, or (h, w, channels); None where another library must read it.
    warnings : tuple of str
        On further pages.

    Raises
    ------
    ImageError
        The file is cut off, damaged, or of a kind that is not read.
    """
    try:
        with _opened(path) as file:
            pages = _pages(file)
            page = pages[0]
            if not page.imagewidth or not page.imagelength:
                raise IndexError("no pixels")  # told as a table that is not there
            _check_strips(page, path)
            values = _values(page, path) if _is_ours(page) else None
            density = [_fraction(page.tags.valueof(tag)) for tag in (282, 283)]
            count = max(len(pages), int((file.imagej_metadata or {}).get("images", 1)))
    except ImageError:
        raise
    except Exception as error:  # on damaged tags tifffile raises anything
        raise _damaged(path, error) from error
    said = (f"{path.name} holds {count} pages: the first was opened.",) if count > 1 else ()
    return values, (*said, *aspect_warning(density, path.name))


def _fraction(value: Any) -> float:
    """A number of TIFF, which is one or two; 0 where there is none."""
    if isinstance(value, tuple):
        return float(value[0] / value[1]) if len(value) == 2 and value[1] else 0.0
    return float(value or 0)


def aspect_warning(density: Any, name: str) -> tuple[str, ...]:
    """Say that a picture has pixels that are not square: it is shown as it is stored, and shapes in it are not true.

    Parameters
    ----------
    density
        Pixels per length along x and y, or None.
    name
        What to call the picture.
    """
    try:
        x, y = (float(v) for v in density)
    except (TypeError, ValueError, ZeroDivisionError):
        return ()
    if not (x > 0 and y > 0) or abs(x / y - 1) <= 0.01:
        return ()
    return (
        f"{name} states pixels that are not square ({x:g} × {y:g} in the same length): its shapes are as stored, not true.",
    )


def tiff_shape(path: Path) -> tuple[int, int]:
    """Height and width of the first page, upright.

    Raises
    ------
    ImageError
        The file is cut off or damaged.
    """
    try:
        with _opened(path) as file:
            page = _pages(file)[0]
            height, width = int(page.imagelength), int(page.imagewidth)
            if not width or not height:
                raise IndexError("no pixels")
            return (width, height) if _orientation(page) in (5, 6, 7, 8) else (height, width)
    except Exception as error:
        raise _damaged(path, error) from error


def upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a stored picture as its orientation mark says (TIFF 6.0 and EXIF, 1 to 8)."""
    if orientation in (5, 6, 7, 8):
        values = np.swapaxes(values, 0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return values


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file, with tifffile's log silent: what it says there is said in the error."""
    import tifffile

    log = logging.getLogger("tifffile")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with tifffile.TiffFile(path) as file:
            yield file
    finally:
        log.setLevel(before)


def _damaged(path: Path, error: Exception) -> ImageError:
    reason = str(error) or type(error).__name__
    if "offset" in reason or isinstance(error, IndexError):
        return TruncatedFileError(
            f"{path} is cut off: its table of pixels is not there; copy it again from where it came from."
        )
    return CorruptFileError(
        f"{path} is a damaged TIFF file ({reason}); copy it again from where it came from."
    )


def _pages(file: Any) -> list[Any]:
    """The pages that are no small copies of others."""
    pages = list(file.pages)
    whole = [page for page in pages if not int(page.subfiletype) & _REDUCED]
    return whole or pages


def _orientation(page: Any) -> int:
    return int(page.tags.valueof(274, 1))


def _is_ours(page: Any) -> bool:
    bits = np.ravel(page.bitspersample)
    known = page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE)
    return bool(
        known
        and page.compression in (_PLAIN, *_DEFLATE)
        and page.predictor in (1, 2)
        and page.dtype is not None
        and set(bits.tolist()) <= {1, 8, 16, 32, 64}
        and (page.predictor == 1 or page.dtype.kind in "iu")
        and page.fillorder == 1
    )


def _check_strips(page: Any, path: Path) -> None:
    """Find strips and tiles that are not there: tifffile leaves zeros in their places."""
    length = path.stat().st_size
    offsets, counts = page.dataoffsets, page.databytecounts
    if page.nbytes > _LARGEST:
        raise UnsupportedShapeError(
            f"{path} has a page of {page.imagewidth} × {page.imagelength} pixels; save a smaller picture."
        )
    expected = int(np.prod(page.chunked))
    if len(offsets) < expected or len(counts) < expected:
        raise TruncatedFileError(
            f"{path} is cut off: it lists {len(offsets)} of {expected} strips of pixels; copy it again."
        )
    for offset, count in zip(offsets[:expected], counts[:expected]):
        if count <= 0 or offset <= 0 or offset + count > length:
            raise TruncatedFileError(
                f"{path} is cut off: it keeps pixels in bytes {offset:,} to {offset + count:,} and has {length:,}; copy it again."
            )
    if page.compression == _PLAIN and not page.is_tiled and sum(counts) * 8 < _bits(page, page.imagelength):
        raise TruncatedFileError(
            f"{path} is cut off: its strips hold {sum(counts):,} bytes, too few; copy it again."
        )


def _bits(page: Any, rows: int) -> int:
    """Bits of so many rows, without what pads them to whole bytes."""
    return int(rows) * int(page.imagewidth) * int(page.samplesperpixel) * int(np.max(page.bitspersample))


def _values(page: Any, path: Path) -> np.ndarray:
    if page.compression in _DEFLATE:
        _check_deflate(page, path)
    values = np.asarray(page.asarray())
    if page.ndim == 3 and page.planarconfig == 2 and page.samplesperpixel > 1:
        values = np.moveaxis(values, 0, -1)
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[-1] != page.samplesperpixel):
        raise UnsupportedShapeError(f"{path} has a page of shape {values.shape}; save one flat picture.")
    if values.dtype.kind not in "iufb":
        raise UnsupportedShapeError(
            f"{path} has pixels of type {values.dtype}; save it as 16-bit integers or 32-bit floats."
        )
    if page.photometric == _PALETTE:
        values = np.moveaxis(np.asarray(page.colormap)[:, values] >> 8, 0, -1).astype(np.uint8)
    elif values.ndim == 3 and page.photometric != _RGB:
        values = values[..., 0]
    if page.photometric == _WHITE_IS_ZERO:
        values = _inverted(values)
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    return np.ascontiguousarray(upright(values, _orientation(page)))


def _inverted(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind == "b":
        return ~values
    if values.dtype.kind == "u":
        return np.iinfo(values.dtype).max - values
    if values.dtype.kind == "i":
        return -1 - values
    return -values


def _check_deflate(page: Any, path: Path) -> None:
    """Unpack each strip once more: tifffile fills up those that end too early."""
    tiled = page.is_tiled
    rows = page.tilelength if tiled else min(page.rowsperstrip or page.imagelength, page.imagelength)
    width = page.tilewidth if tiled else page.imagewidth
    samples = 1 if page.planarconfig == 2 else page.samplesperpixel
    strips = -(-page.imagelength // rows)
    fh = page.parent.filehandle
    for index, (offset, count) in enumerate(zip(page.dataoffsets, page.databytecounts)):
        fh.seek(offset)
        data = zlib.decompress(fh.read(count))
        high = rows if tiled or index % strips < strips - 1 else page.imagelength - rows * (strips - 1)
        row = -(-width * samples * int(np.max(page.bitspersample)) // 8)
        if len(data) < row * high:
            raise TruncatedFileError(
                f"{path} is damaged: strip {index} has {len(data):,} of {row * high:,} bytes; copy it again."
            )
