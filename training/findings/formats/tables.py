"""Reading and writing csv files, gzipped or not: shared by the formats that are tables."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from .atomic import write_atomically
from .errors import FindingsFileError

_GZIP_MAGIC = b"\x1f\x8b"


def read_text(path: Path | str, encoding: str = "utf-8-sig") -> str:
    """The text of a file, gzipped or not (told by its bytes, not its name), without byte order mark."""
    path = Path(path)
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            data = gzip.decompress(data)
        return data.decode(encoding)
    except FileNotFoundError:
        raise FindingsFileError(f"{path} does not exist: check the path") from None
    except OSError as error:  # gzip's own errors included
        raise FindingsFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (EOFError, UnicodeDecodeError, zlib.error) as error:
        raise FindingsFileError(f"{path} is damaged or no text file: get it again from its source") from error


def read_lines(path: Path | str, required: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """The header, then every row that is not blank, each with its line number; values are stripped.

    Raises
    ------
    FindingsFileError
        A required column is missing, or a row is too short for it.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in required if name not in header]
        if missing:
            raise FindingsFileError(
                f"{path} has no column {', '.join(missing)}: its first line must name "
                f"{', '.join(required)} (it reads {','.join(header)[:80]!r})"
            )
        yield 1, header
        needed = 1 + max(header.index(name) for name in required)
        for row in reader:
            values = [value.strip() for value in row]
            if not any(values):
                continue
            if len(values) < needed:
                raise bad_line(path, reader.line_num, "too few values")
            yield reader.line_num, values
    except csv.Error as error:
        raise bad_line(path, reader.line_num, f"no valid csv ({error})") from error


def bad_line(path: Path | str, line: int, why: str) -> FindingsFileError:
    """The error for one line of a table."""
    return FindingsFileError(f"{path}, line {line}: {why}; correct or delete the line")


def read_rows(path: Path | str, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and values by column of each row that is not blank; all of them stripped strings.

    Raises
    ------
    FindingsFileError
        A required column is missing, or a row is too short for it.
    """
    lines = read_lines(path, required)
    _, header = next(lines)
    for line, values in lines:
        yield line, dict(zip(header, values, strict=False))


def read_columns(path: Path | str, required: Sequence[str]) -> tuple[list[int], dict[str, list[str]]]:
    """Line numbers and the required columns of a table, as strings: for tables of many thousand rows."""
    lines = read_lines(path, required)
    _, header = next(lines)
    rows = list(lines)
    return [line for line, _ in rows], {
        name: [values[i] for _, values in rows]
        for name, i in ((name, header.index(name)) for name in required)
    }


def numbers(path: Path | str, lines: Sequence[int], texts: Sequence[str], column: str) -> np.ndarray:
    """A column's finite numbers (n,); the error names the line of the first that is none."""
    with contextlib.suppress(ValueError):
        values = np.array([float(text) for text in texts])
        if np.isfinite(values).all():
            return values
    return np.array(
        [number(path, line, {column: text}, column) for line, text in zip(lines, texts, strict=True)]
    )


def number(path: Path | str, line: int, record: dict[str, str], column: str) -> float:
    """A finite number from a row."""
    text = record[column]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise FindingsFileError(
            f"{path}, line {line}: {column} is {text!r}, not a number; correct or delete the line"
        )
    return value


def write_rows(path: Path | str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a csv atomically, gzipped where the name ends in .gz; floats keep every digit."""
    path = Path(path)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    data = text.getvalue().encode("utf-8", "backslashreplace")
    pack: Callable[[bytes], bytes] = gzip.compress if path.suffix == ".gz" else bytes
    write_atomically(path, pack(data))


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str):
        return " ".join(value.split())  # a line break inside a cell is more than most readers of csv can take
    return repr(float(value)) if isinstance(value, float) else value
