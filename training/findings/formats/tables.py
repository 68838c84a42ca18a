"""Reading and writing csv files, gzipped or not: shared by the formats that are tables.

Tables come from Excel, R, pandas and by hand: columns may be separated by commas, semicolons, tabs or bars, with a decimal comma
where no comma separates; the text may be UTF-8, UTF-16 or Windows-1252; names of columns are told by their letters and digits.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...error_boundary import reads
from ...storage.address import StorageError, address_of
from ...storage.files import get
from .atomic import write_atomically
from .errors import BadLineError, FindingsFileError
from .truth.leniency import left_out

_GZIP_MAGIC = b"\x1f\x8b"
_LARGEST = 2**29
"""Bytes of a text; what unpacks to more is no table that anybody made."""
_BOMS = (
    *((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")),
    *((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
)
_NO_TABLES = (
    (b"PK\3\4", "an Excel workbook or another zip archive: save the sheet as csv, or unpack the archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as csv"),
    (b"%PDF", "a PDF document: get the table itself"),
    (b"PAR1", "a Parquet file: save the table as csv"),
    (b"\x93NUMPY", "an array of NumPy: save the table as csv"),
    (b"\x89HDF", "an HDF5 file: save the table as csv"),
    (b"BZh", "a bzip2 archive: unpack it"),
    (b"\xfd7zXZ", "an xz archive: unpack it"),
    (
        b"version https://git-lfs",
        "a pointer of Git LFS and not the file itself: fetch it with 'git lfs pull'",
    ),
    (b"<!DOCTYPE html", "a web page: the download failed, get the file again"),
    (b"<!doctype html", "a web page: the download failed, get the file again"),
    (b"<html", "a web page: the download failed, get the file again"),
)
"""What files begin with that are no tables and no JSON."""
_NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x19\x1b-\x1f]")
_DELIMITERS = (",", ";", "\t", "|")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_FORMULA = ("=", "+", "-", "@")
"""How a text begins that a spreadsheet would run as a formula; an apostrophe before it makes it plain, and reading drops that."""
_AS_TEXT = "'"
_ALIASES = {"seriesinstanceuid": "seriesuid"}
"""Names that others give to columns, as letters and digits; the first is DICOM's."""


@reads(FindingsFileError)
def read_text(path: Path | str) -> str:
    """The text of a file, gzipped or not (told by its bytes, not its name), in whichever encoding, without byte order mark.

    Raises
    ------
    FindingsFileError
        The file is missing, damaged, or no text.
    """
    address = address_of(path)
    path = Path(path) if address is None else address.local
    try:
        data = path.read_bytes() if address is None else get(address)
        if data.startswith(_GZIP_MAGIC):
            data = _unpacked(path, data)
        for start, what in _NO_TABLES:
            if data.lstrip().startswith(start):
                raise FindingsFileError(f"{path} is {what}")
        text = _decoded(data)
    except StorageError as error:
        raise FindingsFileError(str(error)) from None
    except FileNotFoundError:
        raise FindingsFileError(f"{path} does not exist: check the path") from None
    except OSError as error:
        raise FindingsFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (EOFError, UnicodeDecodeError, zlib.error) as error:
        raise _damaged(path) from error
    return text.rstrip("\x1a")  # the end of a file in DOS


def _damaged(path: Path) -> FindingsFileError:
    return FindingsFileError(f"{path} is damaged or no text file: get it again from its source")


def _unpacked(path: Path, data: bytes) -> bytes:
    """What gzip holds, all members of it; length and checksum are compared."""
    parts, left = [], _LARGEST
    while data.startswith(_GZIP_MAGIC):
        unpacker = zlib.decompressobj(wbits=31)
        parts.append(unpacker.decompress(data, left))
        left -= len(parts[-1])
        if left <= 0:
            raise FindingsFileError(f"{path} unpacks to more than {_LARGEST >> 20} MB: it is no table")
        if not unpacker.eof:
            raise EOFError
        data = unpacker.unused_data.lstrip(b"\0")
    if data:  # gzip's own tool ignores what follows, with a word
        raise _damaged(path)
    return b"".join(parts)


def _decoded(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding)
    start = data[:1000]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        # Every other byte of Western text in UTF-16 is 0.
        if len(start) > 3 and start[first::2].count(0) > 0.7 * len(start) / 2:
            return data.decode(encoding)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        if _NO_TEXT.search(data):
            raise
        # Windows-1252 lacks five bytes that Latin-1 has as controls.
        return data.decode("latin-1" if re.search(rb"[\x81\x8d\x8f\x90\x9d]", data) else "cp1252")


def plain_name(name: str) -> str:
    """A column's name by its letters and digits alone: ``Coord X`` and ``coordX`` are one."""
    letters = re.sub(r"[\W_]+", "", name).casefold()
    return _ALIASES.get(letters, letters)


def cells_of(path: Path | str, required: Sequence[str] = ()) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not blank, with its line number, the first one too: stripped, decimal commas as points.

    The delimiter is the one with which the first line has most of the required columns, and then most columns at all.
    """
    text = read_text(path)
    stated = re.match(r'"?sep=([,;|\t])"?[,;|\t]*(?:\r\n|\n|\r)', text, re.IGNORECASE)  # as Excel writes it
    delimiter = stated[1] if stated else max(_DELIMITERS, key=lambda d: _fit(text, d, required))
    reader = _parsed(text[stated.end() :] if stated else text, delimiter)
    quoted = _AS_TEXT in text
    try:
        for row in reader:
            values = [value.strip() for value in row]
            if delimiter != ",":
                values = [v.replace(",", ".") if _DECIMAL_COMMA.fullmatch(v) else v for v in values]
            if quoted:
                values = [v[1:] if v.startswith(_AS_TEXT) and _is_formula(v) else v for v in values]
            line = reader.line_num + bool(stated)
            if any(values) and not left_out(line):
                yield line, values
    except csv.Error as error:
        raise bad_line(path, reader.line_num + bool(stated), f"no valid csv ({error})") from error


def _fit(text: str, delimiter: str, required: Sequence[str]) -> tuple[int, int]:
    """How many of the required columns the first line has with a delimiter, and how many columns at all."""
    first = next(iter(text.lstrip("\r\n").splitlines()), "")
    try:
        cells: list[str] = next(_parsed(first, delimiter), [])
    except csv.Error:  # told where the table is read
        return 0, 0
    return len({plain_name(name) for name in required} & {plain_name(cell) for cell in cells}), len(cells)


def _parsed(text: str, delimiter: str) -> Any:
    # Strict: a quotation mark that is never closed would swallow the rest of the table.
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)


def read_lines(
    path: Path | str, required: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, list[str]]]:
    """The header, then every row that is not blank, each with its line number; values are stripped.

    Columns that are required or optional bear these names in the header, however the file spells them.

    Raises
    ------
    FindingsFileError
        A required column is missing or named twice, or a row has too few values for it, or more than there are columns.
    """
    rows = cells_of(path, required)
    _, written = next(rows, (1, []))
    if not written:
        raise FindingsFileError(f"{path} is empty and has no column {', '.join(required)}: get it again")
    header = _header(written, (*required, *optional))
    missing = [name for name in required if name not in header]
    if missing:
        there = ", ".join(name for name in header if name)
        raise FindingsFileError(
            f"{path} has no column {', '.join(missing)}: its first line must name {', '.join(required)} "
            f"(it has: {there[:200]})"
        )
    twice = [name for name in required if header.count(name) > 1]
    if twice:
        raise FindingsFileError(f"{path} has the column {twice[0]} twice: delete one of them")
    yield 1, header
    needed = 1 + max(header.index(name) for name in required)
    for line, values in rows:
        if len(values) < needed:
            raise bad_line(path, line, "too few values")
        if any(values[len(header) :]):
            raise bad_line(
                path,
                line,
                f"{len(values)} values for {len(header)} columns (is a decimal comma among them? then separate the columns by "
                "semicolons)",
            )
        yield line, values


def _header(written: Sequence[str], known: Sequence[str]) -> list[str]:
    """The header with columns that are known by the names that we have for them."""
    by_letters = {plain_name(name): name for name in known if name not in written}
    return [name if name in known else by_letters.get(plain_name(name), name) for name in written]


def bad_line(path: Path | str, line: int, why: str) -> BadLineError:
    """The error for one line of a table."""
    return BadLineError(f"{path}, line {line}: {why}; correct or delete the line", line)


def read_rows(
    path: Path | str, required: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and values by column of each row that is not blank; all of them stripped strings.

    Raises
    ------
    FindingsFileError
        A required column is missing, or a row is too short for it.
    """
    lines = read_lines(path, required, optional)
    _, header = next(lines)
    for line, values in lines:
        yield line, dict(zip(header, values, strict=False))


def read_columns(
    path: Path | str, required: Sequence[str], optional: Sequence[str] = ()
) -> tuple[list[int], dict[str, list[str]]]:
    """Line numbers and columns of a table, as strings: for tables of many thousand rows.

    An optional column is empty where the table has none, or a row is too short for it.
    """
    lines = read_lines(path, required, optional)
    _, header = next(lines)
    rows = list(lines)
    return [line for line, _ in rows], {
        name: [values[i] for _, values in rows]
        for name, i in ((name, header.index(name)) for name in required)
    } | {name: _cells(rows, header, name) for name in optional}


def _cells(rows: Sequence[tuple[int, list[str]]], header: Sequence[str], name: str) -> list[str]:
    """A column that the table may lack."""
    i = header.index(name) if name in header else len(header)
    return [values[i] if i < len(values) else "" for _, values in rows]


def numbers(path: Path | str, lines: Sequence[int], texts: Sequence[str], column: str) -> np.ndarray:
    """A column's finite numbers (n,); the error names the line of the first that is none."""
    with contextlib.suppress(ValueError):
        values = np.array([_float(text) for text in texts])
        if np.isfinite(values).all():
            return values
    return np.array(
        [number(path, line, {column: text}, column) for line, text in zip(lines, texts, strict=True)]
    )


def number(path: Path | str, line: int, record: dict[str, str], column: str) -> float:
    """A finite number from a row."""
    text = record[column]
    try:
        value = _float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise bad_line(path, line, f"{column} is {text!r}, not a number")
    return value


def _float(text: str) -> float:
    if "_" in text:  # Python's own way to group digits
        raise ValueError(text)
    return float(text)


def write_rows(path: Path | str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a csv atomically, gzipped where the name ends in .gz; floats keep every digit."""
    path = Path(path)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([_cell(name) for name in header])
    writer.writerows([_cell(value) for value in row] for row in rows)
    data = text.getvalue().encode("utf-8", "backslashreplace")
    pack: Callable[[bytes], bytes] = gzip.compress if path.suffix == ".gz" else bytes
    write_atomically(path, pack(data))


def _is_formula(text: str) -> bool:
    """Whether a text begins as a formula, also after apostrophes: else reading would take a person's own for the one put there."""
    return text.lstrip(_AS_TEXT).startswith(_FORMULA)


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str):
        text = " ".join(value.split())  # a line break inside a cell is more than most readers of csv can take
        return _AS_TEXT + text if _is_formula(text) else text
    return repr(float(value)) if isinstance(value, float) else value
