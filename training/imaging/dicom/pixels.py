"""Pixels of DICOM slices, as Hounsfield units where the file says how."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from ..errors import CorruptFileError, ImageError, TruncatedFileError, UnsupportedTransferSyntaxError
from .header import Header
from .jpeg_frames import decode_jpeg
from .slices import Slice

AIR = -1024
"""Hounsfield units below this are set to it: no tissue has them; scanners pad outside their field of view with them."""

_PLAIN = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"})  # little endian, implicit and explicit VR
_JPEG = "1.2.840.10008.1.2.4."
_LOSSY_JPEG = frozenset(_JPEG + n for n in ("50", "51"))
# JPEG processes that the standard retired and pydicom hands to no decoder.
_RETIRED_JPEG = frozenset(_JPEG + n for n in ("52", "53", "54", "55", "56"))
_LOSSLESS_JPEG = frozenset(_JPEG + n for n in ("57", "70", "80", "81"))  # and JPEG-LS


def read_hounsfield(
    slices: Sequence[Slice], *, clip: bool
) -> tuple[np.ndarray, list[tuple[int, ImageError]]]:
    """Read the slices of one series in HU: each with its own rescale slope and intercept.

    Parameters
    ----------
    slices
        All of one shape.
    clip
        Set values below `AIR` to it (CT).

    Returns
    -------
    voxels : numpy.ndarray
        (slice, row, column); int16, or float32 where a slope or intercept has a fraction or the range is too wide.
    failures : list of (int, ImageError)
        Which slices could not be read, and why; their voxels are senseless.
    """
    integral = all(float(s.slope).is_integer() and float(s.intercept).is_integer() for s in slices)
    voxels = np.empty((len(slices), *slices[0].shape), np.int16 if integral else np.float32)
    failures: list[tuple[int, ImageError]] = []
    for index, one_slice in enumerate(slices):
        place = voxels[index]
        try:
            values = _hounsfield(one_slice, place, clip)
        except ImageError as error:
            failures.append((index, error))
            continue
        if values is not place:
            if values.dtype != voxels.dtype:
                voxels = voxels.astype(np.float32)  # one slice beyond int16 makes all of them float
            voxels[index] = values
    return voxels, failures


def _hounsfield(s: Slice, out: np.ndarray, clip: bool) -> np.ndarray:
    """The slice in Hounsfield units: in `out` where that can be done in place, otherwise a new array."""
    header = s.header
    bits, stored = header.integer("BitsAllocated", 16), header.integer("BitsStored", 16)
    signed = header.integer("PixelRepresentation") == 1
    if out.dtype == np.int16 and _reads_plain(s) and s.slope == 1:
        _read_plain(s, out)
        if stored < bits:
            _keep_stored_bits(s, out if signed else out.view(np.uint16))
        if signed or stored < bits or out.min() >= 0:
            low = int(max(AIR if clip else -32768, -32768) - s.intercept)
            if -32768 <= low <= 32767 and (s.intercept <= 0 or out.max() <= 32767 - s.intercept):
                np.clip(out, low, 32767, out=out)  # faster than np.maximum with a scalar
                np.add(out, np.int16(s.intercept), out=out)
                return out
    return _rescaled(stored_values(s), s, clip)


def _rescaled(stored: np.ndarray, s: Slice, clip: bool) -> np.ndarray:
    if float(s.slope).is_integer() and float(s.intercept).is_integer() and stored.dtype.kind in "iu":
        wide = stored.astype(np.int64) * int(s.slope) + int(s.intercept)
        if clip:
            np.maximum(wide, AIR, out=wide)
        fits = wide.min() >= -32768 and wide.max() <= 32767
        return wide.astype(np.int16 if fits else np.float32)
    values = (stored.astype(np.float64) * s.slope + s.intercept).astype(np.float32)
    return np.maximum(values, np.float32(AIR), out=values) if clip else values


def _reads_plain(s: Slice) -> bool:
    header = s.header
    return (
        header.syntax in _PLAIN
        and header.pixel_offset is not None
        and header.integer("BitsAllocated") == 16
        and header.integer("SamplesPerPixel", 1) == 1
        and header.pixel_length != -1
    )


def _read_plain(s: Slice, out: np.ndarray) -> None:
    """Read uncompressed 16-bit pixels straight into `out`."""
    assert s.header.pixel_offset is not None
    start = s.frame * out.nbytes
    available = max(0, (s.header.pixel_length or 0) - start)
    with open(s.path, "rb", buffering=0) as file:
        file.seek(s.header.pixel_offset + start)
        read = file.readinto(memoryview(out).cast("B")) if available >= out.nbytes else available
    if read is None or read < out.nbytes:
        raise _truncated(s)
    if out.dtype.byteorder == ">" or not np.little_endian:
        out.byteswap(inplace=True)


def _keep_stored_bits(s: Slice, values: np.ndarray) -> None:
    """Drop what old writers left in unused bits, and extend the sign."""
    header = s.header
    bits, stored = header.integer("BitsAllocated", 16), header.integer("BitsStored", 16)
    high = header.integer("HighBit", stored - 1)
    np.left_shift(values, bits - 1 - high, out=values)
    np.right_shift(values, bits - stored, out=values)


def stored_values(s: Slice, *, colors: bool = False) -> np.ndarray:
    """Decode the stored values (row, column) of a slice, whatever their transfer syntax.

    Coloured pixels become the mean of red, green and blue; with `colors` they stay (row, column, 3).

    Raises
    ------
    ImageError
        The pixels are damaged, cut off, or compressed in a way that no decoder reads.
    """
    header = s.header
    if header.truncated:
        raise _truncated(s)
    if _reads_plain(s):
        values = np.empty(s.shape, np.int16 if header.integer("PixelRepresentation") == 1 else np.uint16)
        _read_plain(s, values)
        _keep_stored_bits(s, values)
        return values
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            values = _decode(s)
    except ImageError:
        raise
    except NotImplementedError as error:
        raise _unsupported(s) from error
    except Exception as error:  # decoders raise anything on damaged bytes
        raise (_unsupported(s) if _lacks_decoder(s) else _damaged(s, error)) from error
    if values.ndim == 3 and values.shape[-1] in (3, 4):
        values = values[..., :3] if colors else values[..., :3].mean(axis=-1)
    if values.shape != (*s.shape, *values.shape[2:][: int(colors)]):
        raise _damaged(s, f"its pixels have shape {values.shape} where {s.shape} was announced")
    return values


def _decode(s: Slice) -> np.ndarray:
    from pydicom import dcmread
    from pydicom.pixels import pixel_array
    from pydicom.uid import UID

    header = s.header
    if _is_for_gdcm(header):
        return decode_jpeg(_encoded_frame(s), header)
    index = s.frame if _frames(s) > 1 else None
    if header.pixel_offset is None:
        # Deflated as a whole, or without preamble: pydicom must read it all.
        dataset = dcmread(s.path, force=True)
        if not hasattr(dataset.file_meta, "TransferSyntaxUID"):
            dataset.file_meta.TransferSyntaxUID = UID(header.syntax)
        whole = dataset.pixel_array
        return whole if index is None else whole[index]
    # Of the decoders that may be installed Pillow's refuses JPEG frames that are cut off.
    plugin = "pillow" if header.syntax in _LOSSY_JPEG else ""
    # Of colours raw pixels may be luminance and chrominance; grey ones need no conversion.
    raw = header.integer("SamplesPerPixel", 1) == 1
    return pixel_array(s.path, index=index, raw=raw, decoding_plugin=plugin)


def _is_for_gdcm(header: Header) -> bool:
    """Whether the frames are JPEG or JPEG-LS that Pillow does not decode."""
    if header.syntax in _LOSSY_JPEG:
        return header.integer("BitsAllocated", 16) > 8
    return header.syntax in _RETIRED_JPEG or header.syntax in _LOSSLESS_JPEG


def _frames(s: Slice) -> int:
    return int((s.header.numbers("NumberOfFrames") or (1,))[0])


def _encoded_frame(s: Slice) -> bytes:
    """The bitstream of a slice, joined from its fragments."""
    from pydicom import dcmread
    from pydicom.encaps import get_frame

    if s.header.pixel_offset is None:
        return get_frame(dcmread(s.path, force=True).PixelData, s.frame, number_of_frames=_frames(s))
    with open(s.path, "rb") as file:
        file.seek(s.header.pixel_offset)
        return get_frame(file, s.frame, number_of_frames=_frames(s))


def _lacks_decoder(s: Slice) -> bool:
    from pydicom.pixels import get_decoder

    if _is_for_gdcm(s.header):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return not get_decoder(s.header.syntax).is_available
    except NotImplementedError:
        return True


def _truncated(s: Slice) -> TruncatedFileError:
    return TruncatedFileError(
        f"{s.path} is cut off: its pixels need more bytes than the file has ({s.header.file_size}); "
        "copy it again from where it came from."
    )


def _damaged(s: Slice, reason: object) -> CorruptFileError:
    first = str(reason).strip().splitlines()[-1] if str(reason).strip() else type(reason).__name__
    return CorruptFileError(f"{s.path}: the pixels cannot be decoded ({first}); export the file again.")


def _unsupported(s: Slice) -> UnsupportedTransferSyntaxError:
    from pydicom.uid import UID

    name = UID(s.header.syntax, validation_mode=0).name
    return UnsupportedTransferSyntaxError(
        f"{s.path} is compressed as {name} ({s.header.syntax}), which no installed decoder reads; run "
        "`pip install 'pylibjpeg[openjpeg,rle]'`, or convert the file with `dcmconv` or `gdcmconv --raw`."
    )
