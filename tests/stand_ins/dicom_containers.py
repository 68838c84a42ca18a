"""DICOM files of one small CT series, put together byte by byte: as careless writers do it."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.dicom.write_series import slice_dataset

from .marked_volumes import marked

IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"


def volume(shape=(3, 34, 36)) -> Image:
    """A noisy CT volume, large enough for JPEG 2000."""
    return marked(shape=shape)


def slices(image: Image) -> list[Dataset]:
    """The datasets of a volume's slices."""
    return [slice_dataset(image, k, identity="container") for k in range(len(image.voxels))]


def element(tag: int, vr: str, value: bytes, *, length: int | None = None) -> bytes:
    """An explicit little endian element; the length may lie."""
    size = len(value) if length is None else length
    head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + vr.encode()
    if vr in ("OB", "OW", "OF", "OD", "SQ", "UN", "UT"):
        return head + b"\0\0" + size.to_bytes(4, "little") + value
    return head + size.to_bytes(2, "little") + value


def meta(syntax: str) -> bytes:
    """Meta information with a transfer syntax alone."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    return element(0x00020010, "UI", uid)


def body(ds: Dataset, *, implicit: bool = False, little: bool = True) -> bytes:
    """The data set as bytes."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = implicit, little
    if not little and "PixelData" in ds:
        ds = deepcopy(ds)
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds["PixelData"].VR = "OW"
    write_dataset(buffer, ds)
    return buffer.getvalue()


def part10(syntax: str | None, data: bytes) -> bytes:
    """Preamble, magic word, meta information (if any), data set."""
    return bytes(128) + b"DICM" + (meta(syntax) if syntax else b"") + data


def split(ds: Dataset) -> tuple[bytes, bytes]:
    """The data set in front of its pixels, and the value of the pixels."""
    pixels = ds.PixelData
    ds = deepcopy(ds)
    del ds.PixelData
    return body(ds), pixels


def item(value: bytes, *, length: int | None = None) -> bytes:
    """An item of encapsulated pixels."""
    return b"\xfe\xff\x00\xe0" + (len(value) if length is None else length).to_bytes(4, "little") + value


END = b"\xfe\xff\xdd\xe0\0\0\0\0"


def write_all(folder: Path, files: list[bytes]) -> Path:
    """Write the files of a series into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, data in enumerate(files):
        (folder / f"{k}.dcm").write_bytes(data)
    return folder
