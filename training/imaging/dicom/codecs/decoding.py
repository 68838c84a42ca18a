"""One frame of DICOM pixels, decoded by what its bytes are, and only if it is whole.

Labels err: JPEG 2000 lies under an uncompressed transfer syntax, plain pixels under a compressed one. Streams that lost their end
or whose codec complains are refused: a decoder would paint grey over what is missing.
"""

from __future__ import annotations

import re
import warnings

import numpy as np

from ..container import NATIVE
from ..header import Header
from .bits import DamagedPixelsError, UnknownCodecError, frame_count
from .fragments import frame_stream
from .jpeg_frames import decode_jpeg, frame_header
from .native import decoder_options, is_gray, native_frame_size, native_values, read_native

_JPEG = "1.2.840.10008.1.2.4."
_BASELINE = _JPEG + "50"
_LOSSY_JPEG = frozenset(_JPEG + str(n) for n in range(50, 57))  # 52 to 56 are retired
_LOSSLESS_JPEG = frozenset(_JPEG + n for n in ("57", "70"))
_JPEG_LS = frozenset(_JPEG + n for n in ("80", "81"))
_JPEG_2000 = frozenset(_JPEG + n for n in ("90", "91", "92", "93", "201", "202", "203"))
_RLE = "1.2.840.10008.1.2.5"
_END = b"\xff\xd9"  # EOI of JPEG and JPEG-LS, EOC of JPEG 2000
_MOST_RLE_PADDING = 2


def decode_frame(header: Header, frame: int) -> np.ndarray:
    """Decode the stored values of one frame: (rows, columns), or (rows, columns, samples) with colours as RGB.

    Raises
    ------
    CutOffError, DamagedPixelsError, UnknownCodecError
    Exception
        Whatever decoders make of damaged bytes.
    """
    if header.fragments is None:
        return _decode_native(header, frame)
    if _is_video(header.syntax):
        raise UnknownCodecError(header.syntax)
    stream = frame_stream(header, frame)
    syntax = codec_of(stream, header.syntax)
    if not syntax:
        if header.syntax in NATIVE and abs(len(stream) - native_frame_size(header)) <= 1:
            return native_values(stream + b"\0" * (len(stream) % 2), header, 0)
        if header.syntax in NATIVE:
            raise DamagedPixelsError(
                "they are compressed although the header says that they are not, and no codec is recognised"
            )
        syntax = header.syntax
    return _decode_stream(stream, header, syntax)


def _is_video(label: str) -> bool:
    """Whether a standard transfer syntax is of no codec that is read here (MPEG, HEVC, JPEG XL, JPIP)."""
    from pydicom.uid import UID

    uid = UID(label, validation_mode=0)
    read = label in NATIVE | _LOSSY_JPEG | _LOSSLESS_JPEG | _JPEG_LS | _JPEG_2000 | {_RLE}
    return not uid.is_private and uid.is_transfer_syntax and not read


def codec_of(stream: bytes, label: str) -> str:
    """Tell a codec by its first bytes.

    Returns
    -------
    str
        A transfer syntax UID: `label`, where that is of the codec; "" where the bytes are of none that is known.
    """
    if stream[:2] == b"\xff\xd8":
        process = frame_header(stream).process
        if process == 0xF7:
            return label if label in _JPEG_LS else _JPEG + "80"
        if process == 0xC3:
            return label if label in _LOSSLESS_JPEG else _JPEG + "70"
        return label if label in _LOSSY_JPEG else _JPEG + ("50" if process == 0xC0 else "51")
    if stream[:4] == b"\xff\x4f\xff\x51" or stream[:8] == b"\0\0\0\x0cjP  ":
        return label if label in _JPEG_2000 else _JPEG + "91"
    count = int.from_bytes(stream[:4], "little")
    if 1 <= count <= 15 and stream[4:8] == b"\x40\0\0\0" and len(stream) > 64:
        return _RLE
    return ""


def is_for_gdcm(header: Header, syntax: str = "") -> bool:
    """Whether the frames are JPEG or JPEG-LS that Pillow does not decode."""
    syntax = syntax or header.syntax
    if syntax in (_BASELINE, _JPEG + "51"):
        return header.integer("BitsAllocated", 16) > 8
    return syntax in _LOSSY_JPEG | _LOSSLESS_JPEG | _JPEG_LS


# -- compressed -------------------------------------------------------------------------------------------------


def _decode_stream(stream: bytes, header: Header, syntax: str) -> np.ndarray:
    if syntax.startswith(_JPEG) and codec_of(stream, syntax):
        _check_end(stream)
    if stream[:2] == b"\xff\xd8":
        _check_size(stream, header)
        _check_entropy(stream)
    if is_for_gdcm(header, syntax):
        return decode_jpeg(stream, header, syntax)
    return _decode_by_pydicom(stream, header, syntax)


def _check_end(stream: bytes) -> None:
    """Refuse a bitstream that has lost its end: no code of image data is equal to the end marker."""
    last_start = max(stream.rfind(b"\xff\xda"), stream.rfind(b"\xff\x93"), 1)
    if stream.rfind(_END) < last_start:
        raise DamagedPixelsError("their bitstream ends without its end marker: the rest is lost")


def _check_size(stream: bytes, header: Header) -> None:
    """Refuse a JPEG bitstream of another size than the header's: decoders believe either, and fill the difference."""
    size, announced = frame_header(stream).size, (header.integer("Rows"), header.integer("Columns"))
    if size != announced and 0 not in size:  # 0: the size follows later (DNL)
        raise DamagedPixelsError(
            f"their bitstream is of {size[0]} × {size[1]} where {announced[0]} × {announced[1]} was announced"
        )


def _check_entropy(stream: bytes) -> None:
    """Refuse an 8-bit JPEG whose codes do not add up; Pillow would show it without a word."""
    sof = frame_header(stream)
    if sof.process not in (0xC0, 0xC1, 0xC2) or sof.precision != 8:
        return
    import simplejpeg

    try:
        simplejpeg.decode_jpeg(stream, colorspace="GRAY", strict=True)
    except ValueError as error:
        if not str(error).startswith("tj"):  # that one is TurboJPEG's own limit, not libjpeg's complaint
            raise DamagedPixelsError(str(error)) from error


def _decode_by_pydicom(stream: bytes, header: Header, syntax: str) -> np.ndarray:
    from pydicom.encaps import encapsulate
    from pydicom.pixels import get_decoder

    decoder = get_decoder(syntax)
    # Of the decoders that may be installed: Pillow's refuses JPEG that is cut off; pylibjpeg's for RLE ends in a panic.
    plugin = {_RLE: "pydicom", _BASELINE: "pillow", _JPEG + "51": "pillow"}.get(syntax, "")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        values, _ = decoder.as_array(
            encapsulate([stream]),
            index=0,
            raw=is_gray(header),
            decoding_plugin=plugin,
            **decoder_options(header),
        )
    for remark in said if syntax == _RLE else ():
        lengths = re.search(r"padding - (\d+) vs\. (\d+) bytes", str(remark.message))
        if lengths and int(lengths[1]) - int(lengths[2]) > _MOST_RLE_PADDING:
            raise DamagedPixelsError(f"a segment holds {lengths[1]} values instead of {lengths[2]}")
    return values


def _decode_native(header: Header, frame: int) -> np.ndarray:
    if header.syntax not in NATIVE:
        return _decode_mislabelled(header, frame)
    return native_values(read_native(header, frame), header, frame)


def _decode_mislabelled(header: Header, frame: int) -> np.ndarray:
    """Pixels that should be encapsulated and are not: plain ones, or a bare bitstream."""
    from dataclasses import replace

    from pydicom.uid import UID

    label = UID(header.syntax, validation_mode=0)
    if label.is_private or not label.is_transfer_syntax or not label.is_encapsulated:
        raise UnknownCodecError(header.syntax)
    assert header.pixel_offset is not None
    with header.open() as file:
        file.seek(header.pixel_offset)
        stream = file.read(header.pixel_length or 0)
    syntax = codec_of(stream, header.syntax) if stream[:2] in (b"\xff\xd8", b"\xff\x4f") else ""
    if syntax and frame_count(header) == 1:
        return _decode_stream(stream, header, syntax)
    if abs(len(stream) - frame_count(header) * native_frame_size(header)) <= 1:
        return _decode_native(replace(header, syntax=""), frame)
    raise DamagedPixelsError(
        "they are not compressed although the header says so, and have another length than plain pixels"
    )
