"""NIfTI-1 and NIfTI-2, in one file or as a pair (``.hdr`` and ``.img``), packed or not, and Analyze 7.5, their forerunner.

Source: the header files nifti1.h and nifti2.h, nifti.nimh.nih.gov. nibabel unpacks the header and the rotation; which of the two
transforms counts is decided as nibabel does.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from ..errors import (
    BadGeometryError,
    CorruptFileError,
    ImageError,
    ImageNotFoundError,
    TruncatedFileError,
    UnsupportedShapeError,
)
from ..paths import suffix_of
from .content import check_bytes, unpacked_start
from .stored_values import StoredValues
from .volume_header import VolumeHeader, refuse_components

NIFTI_SUFFIXES = (".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz")
_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_COMPONENTS = {128: 3, 2304: 4}  # colours
_UNITS = {0: 1.0, 1: 1e3, 2: 1.0, 3: 1e-3}  # mm in an unknown unit, a metre, a millimetre, a micrometre
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])
_APART = 0.1  # of a voxel: transforms that differ by more disagree
_SINGLE = (b"n+1\0", b"n+2\0")
_importing = Lock()
"""Modules of nibabel import each other in a circle: a second thread that comes meanwhile would meet half of them."""


def is_nifti_pair(path: Path) -> bool:
    """Tell whether a ``.hdr`` or ``.img`` file is of NIfTI or Analyze: the suffixes are those of other programs too."""
    try:
        return _version(_unpacked_start(_header_file(path))) != ""
    except (OSError, ImageError):
        return False


def nifti_header(path: Path) -> VolumeHeader:
    """Read the header of a NIfTI or Analyze file.

    Parameters
    ----------
    path
        The file; of a pair, either.

    Raises
    ------
    ImageError
        The header is damaged, contradicts itself, or its other half is missing.
    """
    check_bytes(path)
    file = _header_file(path)
    data = _unpacked_start(file)
    version = _version(data)
    if not version:
        if data.startswith(b"\x1f\x8b"):
            raise CorruptFileError(f"{file} was compressed twice; unpack it once (gunzip) and open that.")
        if len(data) < 348:
            raise TruncatedFileError(
                f"{file} is cut off: it holds {len(data)} of the 348 bytes of a header; copy it again."
            )
        raise CorruptFileError(
            f"{path} is no NIfTI file: its header is of another kind; check that the file is complete."
        )
    header = _parse(data, version, path)
    dims = [int(n) for n in header["dim"]]
    if not 1 <= dims[0] <= 7:
        raise CorruptFileError(
            f"{path} states {dims[0]} axes; its header is damaged: copy it again from where it came from."
        )
    sizes = tuple(dims[1 : dims[0] + 1])
    code = int(header["datatype"])
    refuse_components(path, _COMPONENTS.get(code, 1))
    if len(sizes) > 4:
        refuse_components(path, math.prod(sizes[4:]))
    if code not in _TYPES:
        raise UnsupportedShapeError(
            f"{path} has voxels of NIfTI's type {code}, which is not read; save it as 16-bit integers or 32-bit floats."
        )
    steps, origin, said = _geometry(path, header, min(dims[0], 3), version)
    slope, intercept, more = _scaling(path, header, version)
    return VolumeHeader(
        path=path,
        shape=sizes[::-1],
        spatial=tuple(range(len(sizes)))[-3:],
        steps=steps,
        origin=origin,
        values=_values(path, file, data, header, np.dtype(_TYPES[code]).newbyteorder(header.endianness)),
        slope=slope,
        intercept=intercept,
        warnings=(*said, *more),
    )


def _header_file(path: Path) -> Path:
    """The half that holds the header; the file itself unless it is the pixels of a pair."""
    suffix = suffix_of(path)
    if not suffix.startswith(".img") or _version(_unpacked_start(path)).startswith("n+"):
        return path
    return _twin(path, ".hdr")


def _twin(path: Path, kind: str) -> Path:
    stem = path.name[: len(path.name) - len(suffix_of(path))].casefold()
    wanted = {stem + kind, f"{stem}{kind}.gz"}
    found = [p for p in sorted(path.parent.iterdir()) if p.name.casefold() in wanted and p.is_file()]
    if not found:
        raise ImageNotFoundError(
            f"{path} is one half of a pair, and its other half {stem}{kind} is not there; copy it beside this one."
        )
    return found[0]


def _unpacked_start(path: Path) -> bytes:
    """The first 540 bytes, unpacked if they are packed, whatever the suffix says."""
    try:
        return unpacked_start(path, 540)
    except EOFError as error:
        raise TruncatedFileError(f"{path} is cut off; copy it again from where it came from.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise CorruptFileError(
            f"{path} is damaged: it cannot be unpacked ({error}); copy it again."
        ) from error


def _version(data: bytes) -> str:
    """``"n+1"``, ``"ni1"``, ``"n+2"``, ``"ni2"``, ``"analyze"``, or ``""`` of anything else."""
    if len(data) < 348:
        return ""
    sizes = struct.unpack("<i", data[:4])[0], struct.unpack(">i", data[:4])[0]
    if 540 in sizes:
        return data[4:7].decode("latin-1") if data[4:8] in (b"n+2\0", b"ni2\0") and len(data) == 540 else ""
    magic = data[344:348]
    if magic in (b"n+1\0", b"ni1\0"):
        return magic[:3].decode()
    return "analyze" if 348 in sizes and magic[:2] not in (b"n+", b"ni") else ""


def _parse(data: bytes, version: str, path: Path) -> Any:
    with _importing:
        from nibabel.analyze import AnalyzeHeader
        from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader
        from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader

    kinds = {"n+1": Nifti1Header, "ni1": Nifti1PairHeader, "n+2": Nifti2Header, "ni2": Nifti2PairHeader}
    kind = kinds.get(version, AnalyzeHeader)
    size = 540 if version.endswith("2") else 348
    try:
        # The length of the header at its beginning tells the byte order; some programs write another length there.
        order = (
            "<"
            if struct.unpack("<i", data[:4])[0] == size
            else ">"
            if struct.unpack(">i", data[:4])[0] == size
            else None
        )
        return kind(data[:size], endianness=order, check=False)
    except Exception as error:
        raise CorruptFileError(
            f"{path} has a damaged header ({error}); copy it again from where it came from."
        ) from error


def _values(path: Path, file: Path, data: bytes, header: Any, dtype: np.dtype) -> StoredValues:
    version = _version(data)
    pixels = file if version.startswith("n+") else _twin(file, ".img")
    offset = float(header["vox_offset"])
    if not np.isfinite(offset) or offset < 0 or offset > 1 << 40:
        raise CorruptFileError(
            f"{path} states that its voxels begin at byte {offset:g}; its header is damaged: copy it again."
        )
    least = {"n+1": 352, "n+2": 544}.get(version, 0)  # a single file's pixels cannot lie in its header
    with open(pixels, "rb") as opened:
        packed = opened.read(2) == b"\x1f\x8b"
    begin = max(int(offset), least)
    return StoredValues(
        (pixels,), dtype, 0 if packed else begin, "deflate" if packed else "", begin if packed else 0
    )


def _scaling(path: Path, header: Any, version: str) -> tuple[float, float, list[str]]:
    if version == "analyze":
        factor = float(header["funused1"])  # by SPM's custom
        if not np.isfinite(factor) or factor in (0, 1):
            return 1.0, 0.0, []
        return factor, 0.0, [f"{path.name} has values that SPM scales by {factor:g}, and so they were."]
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not np.isfinite(slope) or slope == 0:  # by the standard, nothing is scaled
        unset = not np.isinf(slope) and (np.isnan(intercept) or intercept == 0)
        said = (
            f"{path.name} states scl_slope {slope:g} with scl_inter {intercept:g}: its values are as stored."
        )
        return 1.0, 0.0, [] if unset else [said]
    if not np.isfinite(intercept):
        return slope, 0.0, [f"{path.name} states scl_inter {intercept:g}: 0 was taken."]
    return slope, intercept, []


def _geometry(path: Path, header: Any, n: int, version: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Steps and origin (LPS; z, y, x) in mm, and what is to be said of them."""
    affine, said = _affine(path, header, n, version)
    code = int(header["xyzt_units"]) & 7 if version != "analyze" else 0
    if code not in _UNITS:
        said.append(
            f"{path.name} states a unit of length that is unknown to NIfTI ({code}): millimetres were taken."
        )
    affine = affine * _UNITS.get(code, 1.0)
    if n < 3:  # a picture lies nowhere in space
        lengths = np.linalg.norm(affine[:3, :n], axis=0)
        return np.diag(lengths[::-1]), (-affine[:n, 3])[::-1], said
    lps = _RAS_TO_LPS @ affine[:3]
    return lps[:, :3].T[::-1, ::-1], lps[::-1, 3], said


def _affine(path: Path, header: Any, n: int, version: str) -> tuple[np.ndarray, list[str]]:
    pixdim = np.abs(np.asarray(header["pixdim"], float)[1:4])
    single = np.array([axis >= n or header["dim"][axis + 1] == 1 for axis in range(3)])
    pixdim[single & ~(pixdim > 0)] = 1.0  # an axis of one voxel needs no size
    if version == "analyze" or (header["sform_code"] <= 0 and header["qform_code"] <= 0):
        _check_pixdim(path, header, pixdim)
        x = -1.0 if version == "analyze" else 1.0  # Analyze counts x to the left
        kind = "is an Analyze file" if version == "analyze" else "has the codes 0"
        unknown = f"{path.name} {kind} and does not state its orientation: left and right, and head and foot, may be wrong."
        return np.diag([x * pixdim[0], pixdim[1], pixdim[2], 1.0]), [unknown] if n == 3 else []
    sform = _usable(header.get_sform()) if header["sform_code"] > 0 else None
    qform = _qform(header, pixdim) if header["qform_code"] > 0 else None
    if sform is None:
        if qform is not None:
            lost = header["sform_code"] > 0
            return qform, [
                f"{path.name} has an sform that is no transform: its qform was taken."
            ] if lost else []
        _check_pixdim(path, header, pixdim)
        raise BadGeometryError(
            f"{path} gives its voxels no usable size or direction (its transform is singular); correct its sform or qform."
        )
    said: list[str] = []
    lengths = np.linalg.norm(sform[:3, :n], axis=0)
    if not np.allclose(lengths, pixdim[:n], rtol=0.01):
        stated = " × ".join(f"{v:.4g}" for v in pixdim[:n])
        if np.allclose(lengths, 1, atol=1e-4) and np.all(pixdim[:n] > 0) and np.all(np.isfinite(pixdim)):
            sform = sform @ np.diag([*pixdim, 1.0])
            said.append(f"{path.name} has an sform without voxel size: its pixdim of {stated} was taken.")
        elif not _is_sheared(sform):  # a shear lengthens the steps, and is said where it is resampled
            taken = " × ".join(f"{v:.4g}" for v in lengths)
            said.append(
                f"{path.name} states two voxel sizes, {taken} in its sform and {stated} in pixdim: the first was taken."
            )
    if qform is not None and n == 3 and _distance(sform, qform, header) > _APART * lengths.min():
        said.append(f"{path.name} states two places for its voxels, sform and qform: the sform was taken.")
    return sform, said


def _is_sheared(affine: np.ndarray) -> bool:
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return bool(np.abs(directions.T @ directions - np.eye(3)).max() > 1e-3)


def _check_pixdim(path: Path, header: Any, pixdim: np.ndarray) -> None:
    if not np.all(np.isfinite(pixdim)) or pixdim.min() <= 0:
        stated = tuple(float(v) for v in header["pixdim"][1:4])
        raise BadGeometryError(f"{path} has spacing {stated} (pixdim); correct the spacing in its header.")


def _qform(header: Any, pixdim: np.ndarray) -> np.ndarray | None:
    header = header.copy()
    header["pixdim"][1:4] = pixdim
    header["pixdim"][0] = -1 if header["pixdim"][0] < 0 else 1
    try:
        return _usable(header.get_qform())
    except ValueError:  # the quaternion is longer than 1
        return None


def _usable(affine: np.ndarray) -> np.ndarray | None:
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if (
        not np.all(np.isfinite(affine))
        or lengths.min() <= 0
        or abs(np.linalg.det(affine[:3, :3] / lengths)) < 1e-3
    ):
        return None
    return np.asarray(affine, float)


def _distance(one: np.ndarray, other: np.ndarray, header: Any) -> float:
    """The farthest that two transforms place a corner of the volume apart."""
    ends = [max(int(v) - 1, 0) for v in header["dim"][1:4]]
    corners = np.array(np.meshgrid(*[(0, end) for end in ends])).reshape(3, -1)
    corners = np.vstack([corners, np.ones(corners.shape[1])])
    return float(np.linalg.norm(((one - other) @ corners)[:3], axis=0).max())
