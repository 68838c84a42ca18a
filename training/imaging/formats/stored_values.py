"""Pixels as they lie in a file: raw, packed (zlib, gzip, bzip2) or as text, with every length and checksum verified."""

from __future__ import annotations

import bz2
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib

from ..errors import CorruptFileError, ImageError, ImageNotFoundError, TruncatedFileError

# Decoder of one stream, bytes handed to it at once (bzip2 may make 20,000 of one), first bytes of a further stream.
_PACKINGS: dict[str, tuple[Any, int, bytes]] = {
    "deflate": (
        lambda: isal_zlib.decompressobj(47),
        1 << 16,
        b"\x1f\x8b",
    ),  # zlib or gzip, as the stream says
    "bzip2": (bz2.BZ2Decompressor, 1 << 12, b"BZh"),
}
_COMPRESSED = (b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda", b"BZh")
_MOST_BEYOND = 1 << 26  # bytes unpacked beyond the pixels, to reach the checksum


@dataclass(frozen=True)
class StoredValues:
    """Where the values of an array lie.

    Parameters
    ----------
    files
        One, or several that hold equal parts.
    dtype
        With byte order.
    offset
        Bytes of each file before its data; -1: the data are the last bytes.
    packing
        ``""`` (raw), ``"deflate"`` (zlib and gzip), ``"bzip2"``, ``"text"`` (decimal numbers) or ``"hex"``.
    skip
        Bytes of the unpacked data before the values.
    """

    files: tuple[Path, ...]
    dtype: np.dtype
    offset: int = 0
    packing: str = ""
    skip: int = 0


def read_values(stored: StoredValues, count: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Read `count` values, and say what lies beyond them.

    Returns
    -------
    values : numpy.ndarray
        (count,), of the stored type.
    warnings : tuple of str
        Of files that are longer than they should be.

    Raises
    ------
    ImageError
        A file is missing, shorter than it should be, or breaks the checksum of its packing.
    """
    each, rest = divmod(count, len(stored.files))
    if rest:
        raise CorruptFileError(
            f"{stored.files[0]} is one of {len(stored.files)} files that do not divide {count:,} voxels evenly; correct the header."
        )
    parts, said = [], []
    for file in stored.files:
        values, sentence = _read_one(file, stored, each)
        parts.append(values)
        said += [sentence] if sentence else []
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)), tuple(said)


def find_data_file(header: Path, stated: str, key: str) -> Path:
    """Find the file of pixels that a header names: where it says, or beside the header, in capitals or not.

    Parameters
    ----------
    header
        The header file.
    stated
        The name in it; a path of another computer counts by its last part.
    key
        The header's word for it, for the message.

    Raises
    ------
    ImageNotFoundError
        It is nowhere.
    """
    named = header.parent / stated
    if _is_file(named):
        if named.samefile(header):
            raise CorruptFileError(f"{header} names itself as the file of its pixels; correct {key} in it.")
        return named
    if named.is_dir():
        raise ImageNotFoundError(
            f"{header} keeps its pixels in {stated}, which is a folder; correct {key} in it."
        )
    name = stated.replace("\\", "/").rpartition("/")[2]
    beside = [
        p for p in sorted(header.parent.iterdir()) if p.name.casefold() == name.casefold() and p.is_file()
    ]
    if name and beside:
        return next((p for p in beside if p.name == name), beside[0])
    twin = [
        p.name
        for p in sorted(header.parent.iterdir())
        if p.stem == header.stem
        and p != header
        and p.is_file()
        and p.suffix.lower() in (".raw", ".zraw", ".gz", ".bz2", ".img")
    ]
    hint = f" If {twin[0]} is that file, write its name after {key}." if twin else ""
    raise ImageNotFoundError(
        f"{header} keeps its pixels in {stated}, which is not there; copy {name or 'it'} beside the header.{hint}"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null byte
        return False


def _read_one(file: Path, stored: StoredValues, count: int) -> tuple[np.ndarray, str]:
    if stored.packing in ("text", "hex"):
        return _read_text(file, stored, count)
    needed = count * stored.dtype.itemsize
    if not stored.packing:
        return _read_raw(file, stored, count, needed)
    data, beyond, trailing = _unpack(file, stored, stored.skip + needed)
    _check_multiple(file, beyond, needed)
    more = (
        f"{beyond:,} bytes more than its header says"
        if beyond
        else f"{trailing:,} bytes after its end"
        if trailing
        else ""
    )
    values = np.frombuffer(data, stored.dtype, count, offset=stored.skip)
    return values, f"{file.name} holds {more}: they were ignored." if more else ""


def _read_raw(file: Path, stored: StoredValues, count: int, needed: int) -> tuple[np.ndarray, str]:
    length = file.stat().st_size
    offset = length - needed if stored.offset < 0 else stored.offset + stored.skip
    if offset < 0 or length - offset < needed:
        with open(file, "rb") as source:
            source.seek(max(offset, 0))
            begin = source.read(3)
        if begin.startswith(_COMPRESSED):
            raise CorruptFileError(
                f"{file} holds compressed pixels, although the header says that they are raw; correct that."
            )
        raise cut_off(file, max(length - max(offset, 0), 0), needed)
    beyond = length - offset - needed
    _check_multiple(file, beyond, needed)
    said = (
        f"{file.name} holds {beyond:,} bytes more than its header says: they were ignored; check the size in the header."
        if beyond
        else ""
    )
    return np.fromfile(file, stored.dtype, count, offset=offset), said


def _check_multiple(file: Path, beyond: int, needed: int) -> None:
    """Refuse a whole multiple of the pixels: of wider numbers, or of several channels, the first part is no image."""
    if beyond and beyond % needed == 0:
        raise CorruptFileError(
            f"{file} holds {beyond // needed + 1} times the bytes of pixels that its header says; correct the type, the size or "
            "the number of channels in the header."
        )


def _unpack(file: Path, stored: StoredValues, wanted: int) -> tuple[bytearray, int, int]:
    """The first `wanted` unpacked bytes, how many more there were, and how many bytes follow the last stream."""
    make, block, magic = _PACKINGS[stored.packing]
    out, beyond = bytearray(), 0
    with open(file, "rb") as source:
        source.seek(stored.offset)
        decoder, data = make(), source.read(block)
        while data:
            try:
                some = decoder.decompress(data)
            except Exception as error:  # each decoder has errors of its own
                raise CorruptFileError(
                    f"{file} is damaged: its compressed pixels break their own checksum or rules ({error}); copy it again."
                ) from error
            room = max(wanted - len(out), 0)
            out += some[:room]
            beyond += max(len(some) - room, 0)
            if beyond > max(wanted, _MOST_BEYOND):
                raise CorruptFileError(
                    f"{file} holds far more pixels than its header says; check the size in its header."
                )
            if decoder.eof:
                data = decoder.unused_data + source.read(block)
                if not data.startswith(magic):
                    return _long_enough(file, out, wanted), beyond, _trailing(data, source)
                decoder = make()  # gzip and bzip2 may be several streams, one after the other
            else:
                data = source.read(block)
    raise cut_off(file, len(out), wanted)


def _long_enough(file: Path, out: bytearray, wanted: int) -> bytearray:
    if len(out) < wanted:
        raise cut_off(file, len(out), wanted)
    return out


def _trailing(data: bytes, source: Any) -> int:
    """Length of what follows the last stream; zeros pad files to whole blocks and count as nothing."""
    data += source.read()
    return len(data) if data.strip(b"\0") else 0


def _read_text(file: Path, stored: StoredValues, count: int) -> tuple[np.ndarray, str]:
    with open(file, "rb") as source:
        source.seek(max(stored.offset, 0))
        data = source.read()
    try:
        if stored.packing == "hex":
            values = np.frombuffer(bytearray.fromhex(data.decode("ascii")), stored.dtype)
        else:
            numbers = data.replace(b",", b" ").split()[: count + 1]
            values = np.array(numbers, dtype=np.float64 if stored.dtype.kind == "f" else None).astype(
                np.float64
            )
            values = values.astype(stored.dtype)
    except (ValueError, UnicodeDecodeError, OverflowError) as error:
        raise CorruptFileError(f"{file} holds text that is no number ({error}); write it again.") from error
    if len(values) < count:
        raise TruncatedFileError(
            f"{file} is cut off: it holds {len(values):,} of {count:,} numbers; copy it again."
        )
    more = (
        f"{file.name} holds more numbers than its header says: they were ignored."
        if len(values) > count
        else ""
    )
    return values[:count], more


def cut_off(file: Path, length: int, needed: int) -> ImageError:
    """Make the error for a file that ends too early."""
    return TruncatedFileError(
        f"{file} is cut off: it holds {length:,} of {needed:,} bytes of pixels; copy it again from where it came from."
    )
