"""NRRD: ``.nrrd`` and ``.nhdr`` with its pixels elsewhere; raw, gzip, bzip2, text and hex.

Source: Definition of NRRD File Format, teem.sourceforge.net/nrrd/format.html.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..errors import BadGeometryError, CorruptFileError, TruncatedFileError, UnsupportedShapeError
from .content import check_bytes
from .stored_values import StoredValues, find_data_file
from .units import is_unstated, millimetres
from .volume_header import VolumeHeader, refuse_components

NRRD_SUFFIXES = (".nrrd", ".nhdr")
_LONGEST = 1 << 20  # bytes of a header
_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}  # fmt: skip
_PACKINGS = {
    "raw": "", "gzip": "deflate", "gz": "deflate", "bzip2": "bzip2", "bz2": "bzip2",
    "ascii": "text", "text": "text", "txt": "text", "hex": "hex",
}  # fmt: skip
_IN_SPACE = ("domain", "space")
# Signs of x, y, z that make LPS of a space.
_SPACES = {
    "left-posterior-superior": (1, 1, 1), "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1), "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1), "las": (1, -1, 1),
}  # fmt: skip
_FIELDS = {
    "datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip", "axismins": "axis mins",
    "oldmin": "old min", "oldmax": "old max", "centers": "centerings",
}  # fmt: skip


def nrrd_header(path: Path) -> VolumeHeader:
    """Read the header of an NRRD file.

    Parameters
    ----------
    path
        ``.nrrd`` or ``.nhdr``.

    Raises
    ------
    ImageError
        The header is damaged, contradicts itself, or names a file that is not there.
    """
    check_bytes(path)
    fields, after = _fields(path)
    sizes = [_whole(word, path, "sizes") for word in fields.get("sizes", "").split()]
    if not sizes or str(len(sizes)) != fields.get("dimension", ""):
        raise CorruptFileError(
            f"{path} has dimension {fields.get('dimension', 'unknown')} and sizes {sizes}; correct its header or copy it again."
        )
    kind = " ".join(fields.get("type", "").lower().split())
    if kind not in _TYPES:
        raise UnsupportedShapeError(
            f"{path} has voxels of type {kind or 'unknown'}, which is not read; save it as short or float."
        )
    spatial = _spatial(path, fields, len(sizes))
    kinds = fields.get("kinds", "").lower().split()
    undirected = [a for a, kind in enumerate(kinds[: len(sizes)]) if kind in _IN_SPACE and a not in spatial]
    if undirected:
        raise BadGeometryError(
            f"{path} gives its axis {undirected[0] + 1} no direction (space directions: {fields['space directions']}); "
            "correct them."
        )
    for axis, size in enumerate(sizes):
        # A list or time axis is a further volume; any other is a vector.
        if (
            axis not in spatial
            and size > 1
            and axis < len(kinds)
            and kinds[axis] not in ("list", "time", "???", "none")
        ):
            refuse_components(path, size)
    steps, origin, sized, said = _geometry(path, fields, spatial, len(sizes))
    if "old min" in fields or "old max" in fields:
        low, high = (fields.get(key, "unknown") for key in ("old min", "old max"))
        said.append(
            f"{path.name} was quantised from the range {low} … {high}: its values are as stored, not those of that range."
        )
    values = _values(path, fields, after, sizes, np.dtype(_TYPES[kind]))
    return VolumeHeader(
        path=path,
        shape=tuple(sizes[::-1]),
        spatial=tuple(len(sizes) - 1 - axis for axis in reversed(spatial)),
        steps=steps,
        origin=origin,
        sized=sized,
        values=values,
        warnings=tuple(said),
    )


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The header's fields, the names of a list of files under ``"list"``, and where the pixels begin."""
    with open(path, "rb") as file:
        data = file.read(_LONGEST)
    if not re.match(rb"NRRD\d{4}\s", data[:10]):
        raise CorruptFileError(f"{path} has no NRRD header; check that the file is complete and of its kind.")
    end = re.search(rb"\r?\n\r?\n", data)
    text = data if end is None else data[: end.start()]
    fields: dict[str, str] = {}
    lines = iter(text.decode("utf-8", "replace").splitlines()[1:])
    for line in lines:
        key, found, value = line.partition(":")
        if line.startswith("#") or not found or value.startswith("="):
            continue
        name = _FIELDS.get(key.strip().lower(), key.strip().lower())
        fields[name] = value.strip()
        if name == "data file" and value.split()[:1] == ["LIST"]:
            fields["list"] = "\n".join(name for name in (line.strip() for line in lines) if name)
    if end is None and "data file" not in fields:
        raise TruncatedFileError(
            f"{path} is cut off: its header does not end; copy it again from where it came from."
        )
    return fields, len(data) if end is None else end.end()


def _values(
    path: Path, fields: dict[str, str], after: int, sizes: list[int], dtype: np.dtype
) -> StoredValues:
    packing = fields.get("encoding", "").lower()
    if packing not in _PACKINGS:
        raise CorruptFileError(
            f"{path} has the encoding {packing or 'of none'}, which is not read; save it raw or with gzip."
        )
    if "endian" not in fields and dtype.itemsize > 1 and _PACKINGS[packing] != "text":
        raise CorruptFileError(f"{path} does not state the order of its bytes (endian); correct its header.")
    dtype = dtype.newbyteorder(">" if fields.get("endian", "").lower() == "big" else "<")
    lines, skip = (_whole(fields.get(key, "0"), path, key) for key in ("line skip", "byte skip"))
    stated = fields.get("data file", "")
    if not stated:
        files: tuple[Path, ...] = (path,)
        begin = after
    else:
        files = tuple(find_data_file(path, name, "data file") for name in _names(path, fields, stated, sizes))
        begin = 0
    begin = _after_lines(files[0], begin, lines)
    packed = _PACKINGS[packing]
    if skip < 0:
        if packed:
            raise CorruptFileError(f"{path} has a byte skip of {skip} in packed pixels; correct its header.")
        return StoredValues(files, dtype, -1, packed)
    return StoredValues(files, dtype, begin, packed, skip)


def _names(path: Path, fields: dict[str, str], stated: str, sizes: list[int]) -> list[str]:
    if stated.split()[0] == "LIST":
        names = fields.get("list", "").splitlines()
        if not names:
            raise TruncatedFileError(f"{path} lists no files of pixels; copy it again.")
        return names
    pattern = re.fullmatch(r"(.*%0?\d*d\S*)\s+(-?\d+)\s+(-?\d+)\s+(-?\d+)(?:\s+\d+)?", stated)
    if pattern is None:
        return [stated]
    first, last, step = (int(pattern[i]) for i in (2, 3, 4))
    if step == 0:
        raise CorruptFileError(f"{path} names its pixels {stated!r} with a step of 0; correct its header.")
    return [pattern[1] % number for number in range(first, last + (1 if step > 0 else -1), step)]


def _after_lines(file: Path, begin: int, lines: int) -> int:
    if lines <= 0:
        return begin
    with open(file, "rb") as opened:
        opened.seek(begin)
        for _ in range(lines):
            opened.readline()
        return opened.tell()


def _has_time(fields: dict[str, str]) -> bool:
    space = fields.get("space", "").lower()
    return space.endswith("-time") or space in ("rast", "last", "lpst")


def _without_time(directions: list[tuple[float, ...] | None], fields: dict[str, str]) -> tuple[str, str]:
    """Space directions and origin without their last number, which is time; an axis that runs along it has none."""

    def vector(numbers: tuple[float, ...] | None) -> str:
        return "none" if numbers is None or not any(numbers[:-1]) else f"({','.join(map(str, numbers[:-1]))})"

    origin = _vectors(fields.get("space origin", ""))
    place = origin[0][:-1] if origin and origin[0] else ()
    return " ".join(map(vector, directions)), f"({','.join(map(str, place))})" if place else ""


def _spatial(path: Path, fields: dict[str, str], n: int) -> list[int]:
    """Which axes (fastest first) run through space: by their directions, or by their kinds."""
    directions = _vectors(fields.get("space directions", ""))
    if directions:
        if _has_time(fields) and len(directions) == n:  # space and time: the axis along time is none of space
            fields["space directions"], fields["space origin"] = _without_time(directions, fields)
            directions = _vectors(fields["space directions"])
        if len(directions) != n:
            raise CorruptFileError(
                f"{path} has {len(directions)} space directions for {n} axes; correct its header."
            )
        return [axis for axis, vector in enumerate(directions) if vector is not None]
    kinds = fields.get("kinds", "").lower().split()
    spatial = [axis for axis in range(n) if axis >= len(kinds) or kinds[axis] in (*_IN_SPACE, "???", "none")]
    return spatial[:3]


def _geometry(
    path: Path, fields: dict[str, str], spatial: list[int], n: int
) -> tuple[np.ndarray, np.ndarray, bool, list[str]]:
    """Steps and origin (LPS; z, y, x) in mm, whether the voxel size is known, and what is to be said of it."""
    said: list[str] = []
    count = len(spatial)
    factor = _factor(path, fields, spatial)
    vectors = _vectors(fields.get("space directions", ""))
    spacings = _axis_numbers(fields, "spacings", path, n, spatial)
    if vectors:
        chosen = [vector for axis in spatial if (vector := vectors[axis]) is not None]
        if len({len(vector) for vector in chosen}) != 1:
            raise BadGeometryError(f"{path} has space directions of different lengths; correct them.")
        rows = np.array(chosen, float)
        if rows.shape == (2, 3):  # one picture somewhere in space
            return np.diag(np.linalg.norm(rows * factor[0], axis=1))[::-1, ::-1], np.zeros(2), True, said
        if rows.shape[1:] != (count,):
            raise BadGeometryError(
                f"{path} has {count} axes in space with directions of {rows.shape[1]} numbers; correct its space directions."
            )
        lengths = np.linalg.norm(rows, axis=1)
        if spacings is not None and not np.allclose(lengths, spacings, rtol=0.01):
            said.append(
                f"{path.name} states spacings {spacings.tolist()} beside other space directions: the directions were taken."
            )
        sized = True
    else:
        sized = spacings is not None and bool(np.all(np.isfinite(spacings)))
        if sized and spacings is not None and spacings.min() <= 0:
            raise BadGeometryError(
                f"{path} has spacing {tuple(spacings.tolist())}; correct the spacings in its header."
            )
        rows = np.diag(spacings) if sized and spacings is not None else np.eye(count)
    origin = _origin(path, fields, spatial, n, rows)
    if count == 3:
        signs, unknown = _signs(path, fields, bool(vectors))
        said += unknown
        rows, origin = rows * signs, origin * signs
    return (rows * factor)[::-1, ::-1], (origin * factor)[::-1], sized, said


def _signs(path: Path, fields: dict[str, str], directed: bool) -> tuple[np.ndarray, list[str]]:
    """What makes LPS of the file's space; of an unknown space nothing does."""
    space = fields.get("space", "")
    known = _SPACES.get(space.lower().removesuffix("-time").removesuffix("t"))
    if known and directed:
        return np.array(known, float), []
    why = (
        "without space directions"
        if not directed
        else f"its space is {space}"
        if space
        else "no space is named"
    )
    said = f"{path.name} does not state its orientation ({why}): left and right, and head and foot, may be wrong."
    return np.ones(3), [said]


def _origin(path: Path, fields: dict[str, str], spatial: list[int], n: int, rows: np.ndarray) -> np.ndarray:
    count = len(spatial)
    stated = _vectors(fields.get("space origin", ""))
    if stated and stated[0] is not None:
        if len(stated[0]) != count:
            raise BadGeometryError(
                f"{path} has a space origin of {len(stated[0])} numbers for {count} axes; correct its header."
            )
        return np.array(stated[0], float)
    mins = _axis_numbers(fields, "axis mins", path, n, spatial)
    if mins is None or not np.all(np.isfinite(mins)):
        return np.zeros(count)
    centers = fields.get("centerings", "").lower().split()
    half = np.array([0.5 if axis < len(centers) and centers[axis] == "cell" else 0.0 for axis in spatial])
    return mins + half * np.diag(rows)


def _factor(path: Path, fields: dict[str, str], spatial: list[int]) -> np.ndarray:
    """Millimetres of the space's units, or of the axes' units where there is no space."""
    quoted = _units(fields.get("space units", ""))
    if not quoted:
        units = _units(fields.get("units", ""))
        quoted = [units[axis] for axis in spatial if axis < len(units)]
    factors = [1.0 if is_unstated(unit) else millimetres(unit) for unit in quoted[: len(spatial)]]
    if None in factors:
        raise BadGeometryError(
            f"{path} gives its axes the units {quoted}, which are none of length; write mm, cm, m or um there."
        )
    return np.array(factors + [1.0] * (len(spatial) - len(factors)), float)


def _units(text: str) -> list[str]:
    """Units in quotation marks, or (against the definition) without them."""
    return re.findall(r'"([^"]*)"', text) or text.split()


def _vectors(text: str) -> list[tuple[float, ...] | None]:
    """``(1,0,0) none (0,1,0)`` as numbers; None of an axis that has no direction, in whichever words."""
    found: list[tuple[float, ...] | None] = []
    for part in re.findall(r"\([^)]*\)|none|nan|\?\?\?", text.lower()):
        try:
            numbers = (
                tuple(float(v) for v in part.strip("()").replace(",", " ").split()) if part[0] == "(" else ()
            )
        except ValueError:
            numbers = (np.nan,) * (part.count(",") + 1)
            found.append(numbers)
            continue
        found.append(numbers if numbers and not all(np.isnan(numbers)) else None)
    return found


def _axis_numbers(
    fields: dict[str, str], key: str, path: Path, n: int, spatial: list[int]
) -> np.ndarray | None:
    if key not in fields:
        return None
    numbers = _numbers(fields[key], path, key)
    if len(numbers) != n:
        raise CorruptFileError(f"{path} has {len(numbers)} {key} for {n} axes; correct its header.")
    return np.array([numbers[axis] for axis in spatial])


def _numbers(text: str, path: Path, key: str) -> list[float]:
    try:
        return [float(word) for word in text.split()]
    except ValueError:
        raise CorruptFileError(
            f"{path} has {key}: {text}, which are no numbers; correct its header."
        ) from None


def _whole(text: str, path: Path, key: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise CorruptFileError(
            f"{path} has {key}: {text}, which is no whole number; correct its header."
        ) from None
