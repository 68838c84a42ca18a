"""MetaImage: ``.mha`` (one file) and ``.mhd`` with its pixels beside it, as LUNA16 and NODE21 publish their images.

Source: MetaIO's own description of its tags, docs.itk.org (MetaIO Documentation).
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from ..errors import BadGeometryError, CorruptFileError, TruncatedFileError
from .content import check_bytes
from .stored_values import StoredValues, find_data_file
from .units import is_unstated, millimetres
from .volume_header import VolumeHeader, refuse_components

METAIMAGE_SUFFIXES = (".mhd", ".mha")
_LONGEST = 1 << 20  # bytes of a header
_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip
_MATRICES = ("TransformMatrix", "Rotation", "Orientation")
_UNSTATED_ORIENTATION = ("RAI", "???", "")  # MetaIO writes RAI whatever the matrix says


def metaimage_header(path: Path) -> VolumeHeader:
    """Read the header of a MetaImage file.

    Parameters
    ----------
    path
        ``.mha`` or ``.mhd``.

    Raises
    ------
    ImageError
        The header is damaged, contradicts itself, or names a file that is not there.
    """
    check_bytes(path)
    fields, after = _fields(path)
    n = _integer(fields, "NDims", path)
    sizes = _numbers(fields, "DimSize", path, n) or ()
    shape = tuple(int(v) for v in sizes if np.isfinite(v) and v == int(v))
    if n < 1 or len(shape) != n:
        raise CorruptFileError(
            f"{path} states {n} axes and the size {fields.get('dimsize', '')}; correct NDims and DimSize in its header."
        )
    refuse_components(path, _integer(fields, "ElementNumberOfChannels", path, 1))
    kind = fields.get("elementtype", "").upper().removesuffix("_ARRAY")
    if kind not in _TYPES:
        raise CorruptFileError(
            f"{path} has the ElementType {kind or 'of none'}, which is not read; save it as MET_SHORT or MET_FLOAT."
        )
    msb = _true(fields, "BinaryDataByteOrderMSB") or _true(fields, "ElementByteOrderMSB")
    values = _values(path, fields, after, shape, np.dtype(_TYPES[kind]).newbyteorder(">" if msb else "<"))
    steps, origin, sized, said = _geometry(path, fields, n)
    slope, intercept = (
        (_numbers(fields, f"ElementToIntensityFunction{word}", path, 1) or [default])[0]
        for word, default in (("Slope", 1.0), ("Offset", 0.0))
    )
    if not (np.isfinite(slope) and np.isfinite(intercept)) or slope == 0:
        said.append(
            f"{path.name} states an intensity slope of {slope:g} and offset of {intercept:g}: they were ignored."
        )
        slope, intercept = 1.0, 0.0
    return VolumeHeader(
        path=path,
        shape=shape[::-1],
        spatial=tuple(range(n))[-3:],
        steps=steps,
        origin=origin,
        sized=sized,
        values=values,
        slope=slope,
        intercept=intercept,
        warnings=tuple(said),
    )


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The header's entries by their keys in lower case, and where it ends. The last one names the pixels."""
    with open(path, "rb") as file:
        data = file.read(_LONGEST)
    match = re.search(rb"(?im)^[ \t]*ElementDataFile[ \t]*[=:][ \t]*([^\r\n]*)(\r\n|\n|\r|\Z)", data)
    begins = data[:256].lstrip().lower()
    if match is None or (b"\0" in data[: match.start()]):
        if re.match(rb"\w+[ \t]*[=:]", begins) and b"\0" not in begins:
            raise TruncatedFileError(
                f"{path} is cut off: its header ends before ElementDataFile; copy it again."
            )
        raise CorruptFileError(
            f"{path} has no MetaImage header; check that the file is complete and of its kind."
        )
    stated = match[1].strip().upper()
    # With the pixels elsewhere, entries may follow the one that should be the last.
    text = data[: match.end()] if stated.startswith((b"LOCAL", b"LIST")) else data
    try:
        lines = text.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        lines = text.decode("latin-1").splitlines()
    fields: dict[str, str] = {}
    for line in lines:
        name, found, value = re.sub(r"[=:]", "\0", line, count=1).partition("\0")
        key, value = name.strip().lower(), value.strip()
        if found and fields.setdefault(key, value) != value and key != "comment":
            raise CorruptFileError(
                f"{path} has {name.strip()} twice, {fields[key]} and {value}; delete the wrong one in its header."
            )
    if fields.get("objecttype", "Image").lower() != "image":
        raise CorruptFileError(
            f"{path} is a MetaIO {fields['objecttype']}, no image; open the image that it belongs to."
        )
    return fields, match.end()


def _values(
    path: Path, fields: dict[str, str], after: int, shape: tuple[int, ...], dtype: np.dtype
) -> StoredValues:
    packing = "deflate" if _true(fields, "CompressedData") else ""
    if fields.get("binarydata", "true").lower() in ("false", "0"):
        packing = "text"
    stated = fields["elementdatafile"]
    offset = _integer(fields, "HeaderSize", path, 0)
    if stated.upper() == "LOCAL":  # HeaderSize counts from the beginning of the file, -1 from its end
        if 0 < offset < after:
            raise CorruptFileError(
                f"{path} has HeaderSize = {offset}, but its header has {after} bytes; correct or delete that line."
            )
        return StoredValues((path,), dtype, -1 if offset < 0 and not packing else max(offset, after), packing)
    words = stated.split()
    if words and words[0].upper() == "LIST":
        axes = (
            int(words[1].strip("dD")) if len(words) > 1 and words[1].strip("dD").isdigit() else len(shape) - 1
        )
        lines = path.read_bytes()[after:].decode("utf-8", "replace").splitlines()
        names = [line.strip() for line in lines if line.strip()]
        many = math.prod(shape[axes:])
        if len(names) < many:
            raise TruncatedFileError(f"{path} lists {len(names)} of {many} files of pixels; copy it again.")
        names = names[:many]
    elif "%" in stated:
        names = _numbered(path, stated, shape)
    else:
        names = [stated]
    files = tuple(find_data_file(path, name, "ElementDataFile") for name in names)
    return StoredValues(files, dtype, offset, packing)


def _numbered(path: Path, stated: str, shape: tuple[int, ...]) -> list[str]:
    """Names from a pattern such as ``slice%03d.raw 1 120 1``."""
    match = re.fullmatch(r"(.*%0?\d*d\S*)((?:\s+-?\d+)*)", stated)
    if match is None:
        raise CorruptFileError(
            f"{path} names its pixels {stated!r}, which is no pattern with %d; correct ElementDataFile."
        )
    first, last, step = (*(int(v) for v in match[2].split()), *(1, shape[-1], 1)[len(match[2].split()) :])[:3]
    return [match[1] % number for number in range(first, last + 1, max(step, 1))]


def _geometry(path: Path, fields: dict[str, str], n: int) -> tuple[np.ndarray, np.ndarray, bool, list[str]]:
    said: list[str] = []
    spatial = min(n, 3)
    spacing = _numbers(fields, "ElementSpacing", path, n)
    size = _numbers(fields, "ElementSize", path, n)
    if spacing and size and not np.allclose(spacing[:spatial], size[:spatial], rtol=0.01):
        said.append(
            f"{path.name} states ElementSpacing {spacing[:spatial]} and another ElementSize {size[:spatial]}: the first counts."
        )
    spacing = spacing or size
    unit = fields.get("distanceunits", "")
    factor = 1.0 if is_unstated(unit) else millimetres(unit)
    if factor is None:
        raise BadGeometryError(
            f"{path} has DistanceUnits = {unit}, which is no unit of length; write mm, cm, m or um there."
        )
    lengths = np.abs(spacing[:spatial]) * factor if spacing else np.ones(spatial)
    if spacing and not all(0 < s < np.inf for s in spacing[:spatial]):
        raise BadGeometryError(
            f"{path} has spacing {tuple(spacing[:spatial])}; correct ElementSpacing in its header."
        )
    directions = _directions(path, fields, n)
    places = [o for key in ("Offset", "Position", "Origin") if (o := _numbers(fields, key, path, n))]
    origin = places[0] if places else [0.0] * n
    if places and not np.allclose(places, origin, atol=0.01):
        said.append(f"{path.name} states two places, {places[0]} and {places[-1]}: the first was taken.")
    steps = (directions * lengths[:, None])[::-1, ::-1]
    if spatial == 3:
        said += _orientation(path, fields, directions)
    return steps, np.array(origin[:spatial])[::-1] * factor, bool(spacing), said


def _directions(path: Path, fields: dict[str, str], n: int) -> np.ndarray:
    """Row ``a``: the direction (x, y, z) of the file's axis ``a``."""
    spatial = min(n, 3)
    matrix = next((m for key in _MATRICES if (m := _numbers(fields, key, path, n * n))), None)
    rows = np.eye(spatial) if matrix is None else np.reshape(matrix, (n, n))[:spatial, :spatial]
    if not np.allclose(np.linalg.norm(rows, axis=1), 1, atol=0.01):
        raise BadGeometryError(
            f"{path} has a TransformMatrix whose rows are not of length 1 ({rows.round(4).tolist()}); correct it in its header."
        )
    return rows


def _orientation(path: Path, fields: dict[str, str], directions: np.ndarray) -> list[str]:
    """A word where the letters say something else than the matrix. Each letter is the side that an axis comes from."""
    letters = fields.get("anatomicalorientation", "").upper()
    axes = np.argmax(np.abs(directions), axis=1)
    true = "".join(("RL", "AP", "IS")[axis][int(directions[a, axis] < 0)] for a, axis in enumerate(axes))
    stated = any(fields.get(key.lower()) for key in _MATRICES)
    if not stated and letters in _UNSTATED_ORIENTATION[1:]:
        return [
            f"{path.name} does not state its orientation: left and right, and head and foot, may be wrong."
        ]
    if letters in _UNSTATED_ORIENTATION or letters == true:
        return []
    return [
        f"{path.name} states AnatomicalOrientation {letters}, but its axes run {true}: "
        "the matrix was taken; check left and right."
    ]


def _numbers(fields: dict[str, str], key: str, path: Path, count: int) -> list[float] | None:
    """The numbers of an entry, None where it is absent or of unknown values."""
    text = fields.get(key.lower(), "")
    if not text:
        return None
    try:
        numbers = [
            float(word.replace(",", ".")) for word in text.split()
        ]  # blanks separate, so a comma is decimal
    except ValueError:
        numbers = []
    if len(numbers) != count:
        raise CorruptFileError(
            f"{path} has {key} = {text}, which is not {count} number(s); correct it in its header."
        )
    return numbers


def _integer(fields: dict[str, str], key: str, path: Path, default: int | None = None) -> int:
    numbers = _numbers(fields, key, path, 1)
    if numbers is None and default is None:
        raise CorruptFileError(
            f"{path} has no {key} in its header; check that the file is complete and of its kind."
        )
    number = numbers[0] if numbers else float(default or 0)
    if not np.isfinite(number):
        raise CorruptFileError(f"{path} has {key} = {number}; correct it in its header.")
    return int(number)


def _true(fields: dict[str, str], key: str) -> bool:
    return fields.get(key.lower(), "").lower() in ("true", "1", "yes", "on")
