"""Reading and writing csv files, gzipped or not: shared by the formats that are tables."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from .atomic import write_atomically
from .errors import FindingsFileError

_GZIP_MAGIC = b"\x1f\x8b"


def read_text(path: Path | str) -> str:
    """The text of a file, gzipped or not (told by its bytes, not its name), without byte order mark."""
    path = Path(path)
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP_MAGIC):
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        raise FindingsFileError(f"{path} does not exist: check the path") from None
    except OSError as error:  # gzip's own errors included
        raise FindingsFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (EOFError, UnicodeDecodeError) as error:
        raise FindingsFileError(f"{path} is damaged or no text file: get it again from its source") from error
    except Exception as error:  # zlib.error has no public base class
        raise FindingsFileError(f"{path} is damaged: get it again from its source ({error})") from error


def read_rows(path: Path | str, required: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and values by column of each row that is not blank; values are stripped strings.

    Raises
    ------
    FindingsFileError
        A required column is missing, or a row has fewer values than those columns need.
    """
    reader = csv.reader(io.StringIO(read_text(path), newline=""))
    try:
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in required if name not in header]
        if missing:
            raise FindingsFileError(
                f"{path} has no column {', '.join(missing)}; its first line must name "
                f"{', '.join(required)} (it reads: {','.join(header)[:80]!r})"
            )
        for row in reader:
            values = [value.strip() for value in row]
            if not any(values):
                continue
            record = dict(zip(header, values, strict=False))
            if any(name not in record for name in required):
                raise FindingsFileError(
                    f"{path}, line {reader.line_num}: too few values, correct or delete the line"
                )
            yield reader.line_num, record
    except csv.Error as error:
        raise FindingsFileError(f"{path}, line {reader.line_num}: no valid csv ({error})") from error


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
    data = text.getvalue().encode()
    pack: Callable[[bytes], bytes] = gzip.compress if path.suffix == ".gz" else bytes
    write_atomically(path, pack(data))


def _cell(value: object) -> object:
    if value is None:
        return ""
    return repr(float(value)) if isinstance(value, float) else value
