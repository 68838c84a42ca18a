"""Pixels of DICOM slices, as Hounsfield units where the file says how."""

from __future__ import annotations

import re
import warnings as python_warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import (
    CorruptFileError,
    ImageError,
    TruncatedFileError,
    UnsupportedShapeError,
    UnsupportedTransferSyntaxError,
)
from .codecs.bits import CutOffError, bit_layout, keep_stored_bits
from .codecs.decoding import decode_frame, is_for_gdcm
from .container import NATIVE, PIXEL_DATA
from .header import BitLayout
from .lut import lookup_table, narrow, padding_mask, padding_range
from .remarks import remarks
from .slices import Slice

AIR = -1024
"""Hounsfield units below this are set to it: no tissue has them; scanners pad outside their field of view with them."""

_BONE = 3071  # Hounsfield units between air and this may be tissue
_RESCALE = ("RescaleSlope", "RescaleIntercept")


def read_hounsfield(
    slices: Sequence[Slice], *, clip: bool, warnings: list[str] | None = None
) -> tuple[np.ndarray, list[tuple[int, ImageError]]]:
    """Read the slices of one series in HU: each with its own rescale slope and intercept, or modality LUT.

    Parameters
    ----------
    slices
        All of one shape.
    clip
        Set values below `AIR`, padding and what is no finite number to it (CT).
    warnings
        Gets sentences on what the headers leave open and on values that are no numbers.

    Returns
    -------
    voxels : numpy.ndarray
        (slice, row, column); int16, or float32 where a slope or intercept has a fraction or the range is too wide.
    failures : list of (int, ImageError)
        Which slices could not be read, and why; their voxels are 0.
    """
    said = warnings if warnings is not None else []
    said += [*remarks(slices, ct=clip), *mend_high_bit(slices)]
    integral = all(float(s.slope).is_integer() and float(s.intercept).is_integer() for s in slices)
    shape = (len(slices), *slices[0].shape)
    try:
        # Not `empty`: what cannot be read must not show what lay in memory. The pages cost nothing until they are written.
        voxels = np.zeros(shape, np.int16 if integral else np.float32)
    except (MemoryError, ValueError) as error:
        size = " × ".join(map(str, shape))
        raise UnsupportedShapeError(
            f"{slices[0].path} announces {size} voxels, more than fit into memory; export it again."
        ) from error
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
    if voxels.dtype == np.float32:
        said += _finite_only(voxels, slices[0], clip)
    return voxels, failures


def mend_high_bit(slices: Sequence[Slice]) -> list[str]:
    """Find values that lie in the low bits of their words although HighBit says otherwise; mend the headers and say so."""
    odd = [s for s in slices if bit_layout(s.header).high != bit_layout(s.header).stored - 1]
    if not odd or any(s.header.fragments is not None or s.header.pixel_tag != PIXEL_DATA for s in odd):
        return []
    layouts = {id(s.header): (s.header, bit_layout(s.header)) for s in odd}
    try:
        for header, bits in layouts.values():
            header.bits = replace(bits, stored=bits.allocated, high=bits.allocated - 1, signed=False)
        found = [_below(stored_values(s), layouts[id(s.header)][1]) for s in odd]
        low = all(fits for fits, _ in found) and any(used for _, used in found)
    except ImageError:  # told where the slice is read
        low = False
    for header, bits in layouts.values():
        header.bits = replace(bits, high=bits.stored - 1) if low else bits
    first = odd[0]
    return [
        f"{first.path.name}: HighBit is {first.header.integer('HighBit')}, and its values lie in the lowest "
        f"{bit_layout(first.header).stored} bits; these were read."
    ] * low


def _below(words: np.ndarray, bits: BitLayout) -> tuple[bool, bool]:
    """Whether words would fit into the stored bits if these lay lowest, and whether any uses bits below the stated ones."""
    unused = (1 << (bits.high - bits.stored + 1)) - 1
    return bool(words.max() < 1 << bits.stored), bool(np.any(words & unused))


def _finite_only(voxels: np.ndarray, first: Slice, clip: bool) -> list[str]:
    """Replace what is no finite number, in place, and say so."""
    said = []
    strange = ~np.isfinite(voxels)
    if strange.any():
        voxels[strange] = fill = AIR if clip or strange.all() else voxels[~strange].min()
        said.append(
            f"{int(strange.sum())} voxel(s) are no finite numbers (NaN or infinite) in {first.path.name} and its series; "
            f"they were set to {fill:g}."
        )
    if clip and voxels.max() > np.iinfo(np.int16).max:
        said.append(
            f"{first.path.name} and its series have values up to {voxels.max():.0f} HU, which no CT has: their sign "
            "(PixelRepresentation) or rescale may be wrong."
        )
    return said


def _hounsfield(s: Slice, out: np.ndarray, clip: bool) -> np.ndarray:
    """The slice in Hounsfield units: in `out` where that can be done in place, otherwise a new array."""
    header = s.header
    _check_rescale(s)
    bits = bit_layout(header)
    table = header.has("ModalityLUTSequence")
    if out.dtype == np.int16 and s.slope == 1 and not table and _reads_plain(s, bits):
        _read_plain(s, out)
        words = out if bits.signed else out.view(np.uint16)
        padding = _padding(s, words, bits, clip)
        if bits.stored < bits.allocated:
            keep_stored_bits(words, bits)
        if bits.signed or bits.stored < bits.allocated or out.min() >= 0:
            low = int(max(AIR if clip else -32768, -32768) - s.intercept)
            if -32768 <= low <= 32767 and abs(s.intercept) <= 32767 and _adds(out, s.intercept):
                np.clip(out, low, 32767, out=out)  # faster than np.maximum with a scalar
                np.add(out, np.int16(s.intercept), out=out)
                if padding is not None:
                    out[padding] = AIR
                return out
    stored = stored_values(s)
    values = _from_table(s, stored, clip) if table else None
    if values is None:
        values = _rescaled(stored, s, clip)
    padding = _padding(s, stored, bits, clip)
    if padding is not None:
        values[padding] = AIR
        values = narrow(values)
    return values


def _adds(stored: np.ndarray, intercept: float) -> bool:
    """Whether the sum fits int16."""
    return intercept <= 0 or bool(stored.max() <= 32767 - intercept)


def _check_rescale(s: Slice) -> None:
    """Refuse a slope or intercept that is no number: without it no value means anything."""
    header = s.header
    texts = [(name, header.raw_text(name)) for name in _RESCALE if not header.numbers(name)]
    for name, text in (*texts, *header.unreadable):
        if text and name in _RESCALE:
            raise CorruptFileError(
                f"{s.path}: its {name} '{text}' is no number, and without it no value means anything; export it again."
            )


def _padding(s: Slice, stored: np.ndarray, bits: BitLayout, clip: bool) -> np.ndarray | None:
    """Where a CT slice is padding that rescaling does not make air anyway, or None."""
    span = padding_range(s.header, bits) if clip and stored.dtype.kind in "iu" else None
    if span is None:
        return None
    low, high = sorted(s.slope * end + s.intercept for end in span)
    if high <= AIR:
        return None
    # The values of tissue are padding only where they surround the picture.
    return padding_mask(stored, span, at_edge=high > AIR and low <= _BONE)


def _from_table(s: Slice, stored: np.ndarray, clip: bool) -> np.ndarray | None:
    """Values by the modality LUT; None where its item is empty."""
    bits = bit_layout(s.header)
    ends = (-(2 ** (bits.stored - 1)), 2 ** (bits.stored - 1) - 1) if bits.signed else (0, 2**bits.stored - 1)
    try:
        table = lookup_table(s.header.dataset, "ModalityLUTSequence", ends)
    except ValueError as error:
        raise CorruptFileError(f"{s.path} cannot be read: {error}; export it again.") from error
    if table is None:
        return None
    values = table(stored)
    return narrow(np.maximum(values, AIR) if clip else values)


def _rescaled(stored: np.ndarray, s: Slice, clip: bool) -> np.ndarray:
    whole = all(float(v).is_integer() and abs(v) < 1 << 31 for v in (s.slope, s.intercept))
    if whole and stored.dtype.kind in "iu":
        wide = stored.astype(np.int64) * int(s.slope) + int(s.intercept)
        if clip:
            np.maximum(wide, AIR, out=wide)
        fits = wide.min() >= -32768 and wide.max() <= 32767
        return wide.astype(np.int16 if fits else np.float32)
    with np.errstate(all="ignore"):
        values = (stored.astype(np.float64) * s.slope + s.intercept).astype(np.float32)
    if clip:  # what is no finite number is counted later
        np.maximum(values, np.float32(AIR), out=values, where=np.isfinite(values))
    return values


def _reads_plain(s: Slice, bits: BitLayout) -> bool:
    header = s.header
    return (
        header.pixel_tag == PIXEL_DATA
        and header.fragments is None
        and header.syntax in NATIVE
        and header.little
        and header.deflated_at is None
        and bits.allocated == 16
        and header.integer("SamplesPerPixel", 1) <= 1
    )


def _read_plain(s: Slice, out: np.ndarray) -> None:
    """Read uncompressed 16-bit pixels straight into `out`."""
    assert s.header.pixel_offset is not None
    start = s.frame * out.nbytes
    available = max(0, (s.header.pixel_length or 0) - start)
    with open(s.path, "rb", buffering=0) as file:
        file.seek(s.header.pixel_offset + start)
        read = file.readinto(out.data.cast("B")) if available >= out.nbytes else available
    if read is None or read < out.nbytes:
        raise _truncated(s, f"they need {start + out.nbytes} bytes and {start + (read or 0)} are there")
    if not np.little_endian:
        out.byteswap(inplace=True)


def stored_values(s: Slice, *, colors: bool = False) -> np.ndarray:
    """Decode the stored values (row, column) of a slice, whatever their transfer syntax.

    Coloured pixels become the mean of red, green and blue; with `colors` they stay (row, column, 3).

    Raises
    ------
    ImageError
        The pixels are damaged, cut off, or compressed in a way that no decoder reads.
    """
    bits = bit_layout(s.header)
    if _reads_plain(s, bits):
        values = np.empty(s.shape, np.int16 if bits.signed else np.uint16)
        _read_plain(s, values)
        keep_stored_bits(values, bits)
        return values
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            values = decode_frame(s.header, s.frame)
    except (ImageError, KeyboardInterrupt, SystemExit):
        raise
    except CutOffError as error:
        raise _truncated(s, error) from error
    except NotImplementedError as error:
        raise _unsupported(s) from error
    except (
        BaseException
    ) as error:  # decoders raise anything on damaged bytes; a panic in Rust is no Exception
        raise (_unsupported(s) if _lacks_decoder(s) else _damaged(s, error)) from error
    if values.ndim == 3 and values.shape[-1] in (3, 4):
        values = values[..., :3] if colors else values[..., :3].mean(axis=-1)
    if values.shape != (*s.shape, *values.shape[2:][: int(colors)]):
        raise _damaged(s, f"its pixels have shape {values.shape} where {s.shape} was announced")
    return values


def _lacks_decoder(s: Slice) -> bool:
    from pydicom.pixels import get_decoder

    if is_for_gdcm(s.header):
        return False
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            return not get_decoder(s.header.syntax).is_available
    except NotImplementedError:
        return True


def _truncated(s: Slice, reason: object) -> TruncatedFileError:
    return TruncatedFileError(
        f"{s.path} is cut off within its pixels ({reason}); copy it again from where it came from."
    )


def _damaged(s: Slice, reason: object) -> CorruptFileError:
    lines = str(reason).strip().splitlines() or [type(reason).__name__]
    last = re.sub(r"\s*(<[^<>]* at 0x\w+>|\(0x\w+\))", "", lines[-1]).strip()  # addresses help nobody
    return CorruptFileError(f"{s.path}: the pixels cannot be decoded ({last}); export the file again.")


def _unsupported(s: Slice) -> UnsupportedTransferSyntaxError:
    from pydicom.uid import UID

    uid = UID(s.header.syntax, validation_mode=0)
    if uid.is_private or not uid.is_transfer_syntax:
        kind = "private transfer syntax" if uid.is_private else "transfer syntax"
        return UnsupportedTransferSyntaxError(
            f"{s.path} is in the {kind} {uid}, which is not read; convert the file with `dcmconv` or `gdcmconv --raw`."
        )
    return UnsupportedTransferSyntaxError(
        f"{s.path} is compressed as {uid.name} ({uid}), which no installed decoder reads; run "
        "`pip install 'pylibjpeg[openjpeg,rle]'`, or convert the file with `dcmconv` or `gdcmconv --raw`."
    )
