"""Damage that picture libraries pass over: checksums of PNG, libjpeg's warnings, the lengths in BMP."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from ..errors import CorruptFileError, TruncatedFileError, UnsupportedShapeError

_PNG = b"\x89PNG\r\n\x1a\n"
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_PALETTE = 3
# First column and row, and steps between them, of the seven passes of an interlaced PNG.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_LARGEST = 1 << 31  # bytes of unpacked rows
_JPEG = b"\xff\xd8\xff"
_FRAMES = {
    0xC0,
    0xC1,
    0xC2,
    0xC3,
    0xC5,
    0xC6,
    0xC7,
    0xC9,
    0xCA,
    0xCB,
    0xCD,
    0xCE,
    0xCF,
}  # start of frame, by process
_DECODED = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}  # baseline, extended, progressive; Huffman and arithmetic


def check_picture(path: Path) -> tuple[str, ...]:
    """Verify all that a PNG, JPEG or BMP file says of its own integrity.

    Returns
    -------
    tuple of str
        A sentence on what follows the end of a PNG, or none.

    Raises
    ------
    ImageError
        The file is cut off, damaged, or coded in a way that is not read.
    """
    data = path.read_bytes()
    if data.startswith(_PNG):
        return _check_png(data, path)
    if data.startswith(_JPEG):
        _check_jpeg(data, path)
    elif data.startswith(b"BM"):
        _check_bmp(data, path)
    return ()


def _check_png(data: bytes, path: Path) -> tuple[str, ...]:
    at, kind = len(_PNG), b""
    chunks: dict[bytes, list[bytes]] = {}
    while kind != b"IEND":
        if at + 12 > len(data):
            raise TruncatedFileError(
                f"{path} is cut off: it ends before its last chunk; copy it again from where it came from."
            )
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if end > len(data):
            raise TruncatedFileError(
                f"{path} is cut off: it ends before its last chunk; copy it again from where it came from."
            )
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise CorruptFileError(
                f"{path} is damaged: the checksum of its {kind.decode('latin-1')} chunk is wrong; copy it again."
            )
        chunks.setdefault(kind, []).append(data[at + 8 : end - 4])
        at = end
    _check_png_pixels({kind: b"".join(parts) for kind, parts in chunks.items()}, path)
    rest = len(data) - at
    return (
        (f"{path.name} holds {rest:,} bytes after its end: they were ignored.",)
        if rest and data[at:].strip(b"\0")
        else ()
    )


def _check_png_pixels(chunks: dict[bytes, bytes], path: Path) -> None:
    """Unpack the rows once: libraries leave black what is missing, as colours that the palette lacks."""
    if b"CgBI" in chunks:
        raise UnsupportedShapeError(
            f"{path} is a PNG as Xcode packs them for iPhones, which is not read; save the original."
        )
    header, packed = chunks.get(b"IHDR", b""), chunks.get(b"IDAT", b"")
    if len(header) != 13 or not packed:
        raise CorruptFileError(f"{path} is damaged: it has no header or no pixels; copy it again.")
    width, height, bits, color, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if not width or not height or color not in _SAMPLES:
        raise CorruptFileError(
            f"{path} states {width} × {height} pixels of colour type {color}, which is no picture; copy it again."
        )
    if color == _PALETTE and len(chunks.get(b"PLTE", b"")) < 3:
        raise CorruptFileError(f"{path} is damaged: its palette is missing; copy it again.")
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in passes]
    needed = sum((1 + -(-w * bits * _SAMPLES[color] // 8)) * h for w, h in sizes if w > 0 and h > 0)
    if needed > _LARGEST:
        raise UnsupportedShapeError(f"{path} has more pixels than any radiograph; save a smaller picture.")
    try:
        rows = zlib.decompressobj().decompress(packed, needed + 1)
    except zlib.error as error:
        raise CorruptFileError(
            f"{path} is damaged: its pixels cannot be unpacked ({error}); copy it again."
        ) from error
    if len(rows) < needed:
        raise TruncatedFileError(
            f"{path} is cut off: it holds {len(rows):,} of {needed:,} bytes of pixels; copy it again."
        )


def _check_jpeg(data: bytes, path: Path) -> None:
    import simplejpeg

    marker, bits, height = _jpeg_frame(data)
    if marker and not height:
        raise UnsupportedShapeError(
            f"{path} states its height behind its pixels (JPEG's DNL), which is not read; save it as PNG."
        )
    if marker and (marker not in _DECODED or bits != 8):
        kind = "lossless" if marker in (0xC3, 0xC7, 0xCB, 0xCF) else f"{bits}-bit"
        raise UnsupportedShapeError(f"{path} is a {kind} JPEG, which is not read; save it as PNG or TIFF.")
    try:
        simplejpeg.decode_jpeg(data, colorspace="GRAY", strict=True)
    except ValueError as error:
        reason = str(error)
        if reason.startswith("Premature end"):
            raise TruncatedFileError(f"{path} is cut off; copy it again from where it came from.") from error
        if reason.startswith("Corrupt JPEG data"):  # of anything else Pillow tells
            raise CorruptFileError(
                f"{path} is damaged ({reason}); copy it again from where it came from."
            ) from error


def _jpeg_frame(data: bytes) -> tuple[int, int, int]:
    """The marker of the frame, its bits and its rows; zeros where none is found."""
    at = 2
    while at + 5 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAMES:
            return marker, data[at + 4], int.from_bytes(data[at + 5 : at + 7], "big")
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0, 0


def _check_bmp(data: bytes, path: Path) -> None:
    if len(data) < 54:
        raise TruncatedFileError(f"{path} is cut off; copy it again from where it came from.")
    begin, header = struct.unpack("<II", data[10:18])
    if header < 40:
        return  # of OS/2: Pillow tells
    width, height, _, bits, packing, length = struct.unpack("<iiHHII", data[18:38])
    if packing in (0, 3, 6):
        length = (abs(width) * bits + 31) // 32 * 4 * abs(height)
    if begin + length > len(data):
        raise TruncatedFileError(
            f"{path} is cut off: it holds {max(len(data) - begin, 0):,} of {length:,} bytes of pixels; copy it again."
        )
