"""Uncompressed DICOM pixels of every word size and byte order."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..container import DOUBLE_PIXELS, FLOAT_PIXELS
from ..header import Header
from .bits import CutOffError, DamagedPixelsError, bit_layout, frame_count, keep_stored_bits


def native_frame_size(header: Header) -> int:
    """Bytes of one uncompressed frame; of one bit per pixel, of all frames."""
    if header.pixel_tag in (FLOAT_PIXELS, DOUBLE_PIXELS):
        bits = 32 if header.pixel_tag == FLOAT_PIXELS else 64
    else:
        bits = bit_layout(header).allocated
    samples = header.integer("SamplesPerPixel", 1) or 1
    values = header.integer("Rows") * header.integer("Columns") * samples
    if bits == 1:
        return (values * frame_count(header) + 7) // 8
    size = values * bits // 8
    if header.code("PhotometricInterpretation") == "YBR_FULL_422" and not (
        (header.pixel_length or 0) >= size * frame_count(header)
    ):
        size = size * 2 // 3
    return size


def read_native(header: Header, frame: int) -> bytes:
    """Read the bytes of one uncompressed frame.

    Raises
    ------
    CutOffError
    """
    assert header.pixel_offset is not None
    size = native_frame_size(header)
    start = 0 if bit_layout(header).allocated == 1 else frame * size
    with header.open() as file:
        file.seek(header.pixel_offset + start)
        data = file.read(size + size % 2)
    available = min(len(data), max(0, (header.pixel_length or 0) - start))
    if available < size:
        raise CutOffError(f"they need {start + size} bytes and {start + available} are there")
    return data + b"\0" * (size + size % 2 - len(data))


def native_values(data: bytes, header: Header, frame: int) -> np.ndarray:
    """Stored values from the bytes of one frame (of one bit per pixel, of all frames)."""
    from pydicom.pixels import get_decoder
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

    bits = bit_layout(header)
    shape = header.integer("Rows"), header.integer("Columns")
    data = data if bits.allocated == 1 else data[: native_frame_size(header) + native_frame_size(header) % 2]
    order = "<" if header.little else ">"
    if header.pixel_tag in (FLOAT_PIXELS, DOUBLE_PIXELS):
        kind = "f4" if header.pixel_tag == FLOAT_PIXELS else "f8"
        with np.errstate(over="ignore"):
            return np.frombuffer(data, order + kind).reshape(shape).astype(np.float32)
    if bits.allocated in (16, 32) and header.integer("SamplesPerPixel", 1) <= 1:
        kind = f"{'i' if bits.signed else 'u'}{bits.allocated // 8}"
        values = np.frombuffer(data, order + kind).reshape(shape).astype(kind)
        keep_stored_bits(values, bits)
        return values
    if bits.allocated not in (1, 8, 16, 32):
        raise DamagedPixelsError(f"{bits.allocated} bits are allocated to a value, which is not read")
    decoder = get_decoder(ExplicitVRLittleEndian if header.little else ExplicitVRBigEndian)
    options = decoder_options(header)
    if bits.allocated == 1:
        options["number_of_frames"] = frame_count(header)
    index = frame if bits.allocated == 1 else 0
    values, _ = decoder.as_array(data, index=index, raw=is_gray(header), **options)
    return values


def is_gray(header: Header) -> bool:
    """Of colours raw pixels may be luminance and chrominance; grey ones need no conversion."""
    return header.integer("SamplesPerPixel", 1) <= 1


def decoder_options(header: Header) -> dict[str, Any]:
    """What pydicom's decoders must know of the header."""
    bits, samples = bit_layout(header), header.integer("SamplesPerPixel", 1) or 1
    photometric = header.code("PhotometricInterpretation") or ("MONOCHROME2" if samples == 1 else "RGB")
    return {
        "pixel_keyword": "PixelData",
        # Bytes in big endian words are swapped.
        "pixel_vr": "OB" if bits.allocated <= 8 and header.pixel_vr != "OW" else "OW",
        "rows": header.integer("Rows"),
        "columns": header.integer("Columns"),
        "samples_per_pixel": samples,
        "planar_configuration": header.integer("PlanarConfiguration"),
        "photometric_interpretation": photometric,
        "number_of_frames": 1,
        "bits_allocated": bits.allocated,
        "bits_stored": bits.stored,
        "pixel_representation": int(bits.signed),
    }
