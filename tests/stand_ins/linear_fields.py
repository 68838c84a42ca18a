"""Volumes whose value tells the place: HU = -200 + 2x + 3y + 5z in LPS mm, stored on any axes, as bytes written here."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from napari_lungmtl.training.imaging import Image, read_image

from .marked_volumes import Stored, turned

SPACING, ORIGIN, SHAPE = (2.5, 1.5, 1.25), (30.0, -20.0, -10.0), (8, 10, 12)


def field(shape=SHAPE, spacing=SPACING, origin=ORIGIN) -> Image:
    """The field on straight axes."""
    z, y, x = (np.arange(n) * s + o for n, s, o in zip(shape, spacing, origin))
    values = _value(z[:, None, None], y[None, :, None], x[None, None])
    return Image(np.rint(values).astype(np.int16), spacing=spacing, origin=origin)


def stored(order=(0, 1, 2), flip=(False, False, False)) -> Stored:
    """The field on axes in another order and direction."""
    return turned(field(), order, flip)


def check(path: Path, said: str = "", within: float = 1.0, least: float = 1.0) -> Image:
    """Read a file, and compare each voxel with what its place says."""
    image = read_image(path)
    assert image.spacing is not None
    z, y, x = (np.arange(n) * s + o for n, s, o in zip(image.shape, image.spacing, image.origin))
    off = np.abs(image.voxels - _value(z[:, None, None], y[None, :, None], x[None, None]))
    assert np.mean(off <= within) >= least
    if said:
        assert said in " ".join(image.warnings)
    else:
        assert image.warnings == ()
    return image


def _value(z, y, x):
    return -200 + 2 * x + 3 * y + 5 * z


def write_mhd(
    path: Path, data: Stored, factor: float = 1.0, pixels: bytes | None = None, **fields: object
) -> Path:
    """MetaImage by hand: a field of None is left out; `factor` is what the lengths are multiplied by."""
    lengths = np.linalg.norm(data.steps, axis=1)
    rows = (data.steps / lengths[:, None])[::-1, ::-1]
    text = {
        "ObjectType": "Image",
        "NDims": 3,
        "BinaryData": "True",
        "TransformMatrix": _join(rows.ravel()),
        "Offset": _join(data.origin[::-1] * factor),
        "ElementSpacing": _join(lengths[::-1] * factor),
        "DimSize": _join(data.voxels.shape[::-1]),
        "ElementType": "MET_SHORT",
        **fields,
        "ElementDataFile": fields.get(
            "ElementDataFile", path.stem + ".raw" if path.suffix == ".mhd" else "LOCAL"
        ),
    }
    header = "".join(f"{key} = {value}\n" for key, value in text.items() if value is not None).encode()
    pixels = data.voxels.astype("<i2").tobytes() if pixels is None else pixels
    if path.suffix == ".mhd":
        path.write_bytes(header)
        (path.parent / str(text["ElementDataFile"])).write_bytes(pixels)
    else:
        path.write_bytes(header + pixels)
    return path


def write_nrrd(
    path: Path, data: Stored, factor: float = 1.0, signs=(1, 1, 1), pixels: bytes | None = None, **fields
) -> Path:
    """NRRD by hand: underscores of a field's name are spaces, and a field of None is left out."""
    rows = data.steps[::-1, ::-1] * factor * signs
    text = {
        "type": "short",
        "dimension": 3,
        "space": "left-posterior-superior",
        "sizes": _join(data.voxels.shape[::-1]),
        "space_directions": " ".join(f"({','.join(f'{v:.8g}' for v in row)})" for row in rows),
        "endian": "little",
        "encoding": "raw",
        "space_origin": f"({','.join(f'{v:.8g}' for v in data.origin[::-1] * factor * signs)})",
        **fields,
    }
    lines = [f"{key.replace('_', ' ')}: {value}" for key, value in text.items() if value is not None]
    header = "\n".join(["NRRD0004", "# by hand", *lines, "", ""]).encode()
    path.write_bytes(header + (data.voxels.astype("<i2").tobytes() if pixels is None else pixels))
    return path


def nifti_bytes(
    data: Stored, factor: float = 1.0, order: str = "<", version: int = 1, **fields
) -> tuple[bytes, bytes]:
    """Header (to the first voxel of a single file) and pixels of a NIfTI file, by the standard's offsets.

    `fields`: ``sform`` and ``qform`` (their codes), ``srow`` (3, 4) in RAS, ``pixdim`` (8), ``units``, ``slope``, ``inter``,
    ``dim``, ``quatern`` (b, c, d), ``magic``, ``datatype`` with ``bitpix``, ``offset``.
    """
    lengths = np.linalg.norm(data.steps, axis=1)[::-1] * factor
    ras = np.diag([-1, -1, 1]) @ np.column_stack([data.steps[::-1, ::-1].T, data.origin[::-1]]) * factor
    srow = np.asarray(fields.get("srow", ras), float)
    n = data.voxels.shape[::-1]
    dim = fields.get("dim", (3, *n, 1, 1, 1, 1))
    pixdim = fields.get("pixdim", (1, *lengths, 0, 0, 0, 0))
    sform, qform = fields.get("sform", 1), fields.get("qform", 0)
    quatern, place = fields.get("quatern", (0, 0, 0)), fields.get("place", ras[:, 3])
    slope, inter, units = fields.get("slope", 0), fields.get("inter", 0), fields.get("units", 2)
    datatype, bitpix = fields.get("datatype", 4), fields.get("bitpix", 16)
    head = bytearray(352 if version == 1 else 544)

    def put(at: int, kind: str, *values) -> None:
        struct.pack_into(order + kind, head, at, *values)

    single = fields.get("magic", b"n+1" if version == 1 else b"n+2")
    offset = fields.get("offset", len(head) if single.startswith(b"n+") else 0)
    if version == 1:
        put(0, "i", 348)
        put(40, "8h", *dim)
        put(70, "hh", datatype, bitpix)
        put(76, "8f", *pixdim)
        put(108, "fff", offset, slope, inter)
        head[123] = units
        put(252, "hh", qform, sform)
        put(256, "6f", *quatern, *place)
        put(280, "12f", *srow.ravel())
        head[344 : 344 + len(single)] = single
    else:
        put(0, "i", 540)
        head[4:12] = (single + b"\0\r\n\x1a\n")[:8]
        put(12, "hh", datatype, bitpix)
        put(16, "8q", *dim)
        put(104, "8d", *pixdim)
        put(168, "qdd", offset, slope, inter)
        put(344, "ii", qform, sform)
        put(352, "6d", *quatern, *place)
        put(400, "12d", *srow.ravel())
        put(500, "i", units)
    return bytes(head), data.voxels.astype(order + "i2").tobytes()


def write_nifti(path: Path, data: Stored, factor: float = 1.0, **fields) -> Path:
    """NIfTI in one file, by hand."""
    head, pixels = nifti_bytes(data, factor, **fields)
    path.write_bytes(head + pixels)
    return path


def _join(numbers) -> str:
    return " ".join(f"{v:.8g}" for v in numbers)
