"""Radiographs of the Japanese Society of Radiological Technology: ``JPCLN001.IMG`` and the like, pixels without a header.

Source: Shiraishi et al., AJR 174:71–74, 2000; db.jsrt.or.jp: 2048 × 2048 pixels of 0.175 mm, 12 bits in 16, big-endian. The
stored values are *inverted*: dense tissue is low and air is high.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import CorruptFileError, EmptyFileError, ImageNotFoundError, TruncatedFileError
from ..image import Image
from ..radiograph.pixel_size import PLANE
from ..series import Series

SIDE = 2048
"""Pixels along both sides."""
SPACING = 0.175
"""Millimetres of radiograph per pixel."""
SUFFIX = ".img"
_BYTES = SIDE * SIDE * 2
_WHITE = 4095


def is_jsrt(path: Path) -> bool:
    """Tell whether a file has the suffix and the exact length of a JSRT radiograph."""
    return path.suffix.lower() == SUFFIX and path.is_file() and path.stat().st_size == _BYTES


def read_jsrt(path: Path) -> Image:
    """Read a radiograph of the JSRT database, turned to dark air.

    Returns
    -------
    Image
        int16 (2048, 2048), 0 to 4095, 0.175 mm; modality ``""``.

    Raises
    ------
    ImageError
        The file has another length than 8,388,608 bytes, or values beyond 12 bits.
    """
    _check_length(path)
    stored = np.fromfile(path, ">u2").reshape(SIDE, SIDE)
    if stored.max() > _WHITE:
        raise CorruptFileError(
            f"{path} is no JSRT radiograph: it has values up to {stored.max()}, beyond 12 bits. Use the file as it was downloaded, "
            "with the most significant byte first."
        )
    return Image(
        voxels=(_WHITE - stored).astype(np.int16),
        spacing=(SPACING, SPACING),
        series_uid=path.stem,
        source=path,
        metadata={PLANE: "film"},
    )


def jsrt_series(path: Path) -> Series:
    """Describe a radiograph by its length."""
    _check_length(path)
    return Series(uid=path.stem, spacing=(SPACING, SPACING), shape=(SIDE, SIDE), files=(path,), path=path)


def _check_length(path: Path) -> None:
    if not path.exists():
        raise ImageNotFoundError(f"{path} does not exist; check the path.")
    length = path.stat().st_size
    if length == 0:
        raise EmptyFileError(f"{path} is empty (0 bytes); copy it again from where it came from.")
    if length < _BYTES:
        raise TruncatedFileError(
            f"{path} has {length:,} bytes: a radiograph of the JSRT database has {_BYTES:,}, so copy it again; pixels of a NIfTI "
            "or Analyze pair need their .hdr file beside them."
        )
    if length > _BYTES:
        raise CorruptFileError(
            f"{path} has {length:,} bytes and is no radiograph of the JSRT database, which has {_BYTES:,}; the "
            "pixels of a NIfTI or Analyze pair need their .hdr file beside them."
        )
