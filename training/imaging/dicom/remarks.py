"""What the headers of DICOM slices leave open or say wrongly about their values and lengths, in sentences for a person."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from .codecs.bits import bit_layout, frame_count
from .codecs.native import native_frame_size
from .container import PIXEL_DATA
from .header import Header
from .lut import has_empty_table
from .slices import Slice

_HOW_MANY = {
    "ImagePositionPatient": 3,
    "ImageOrientationPatient": 6,
    "PixelSpacing": 2,
    "ImagerPixelSpacing": 2,
    "NominalScannedPixelSpacing": 2,
    "SliceThickness": 1,
    "WindowCenter": 1,
    "WindowWidth": 1,
    "NumberOfFrames": 1,
    "RescaleSlope": 1,
    "RescaleIntercept": 1,
}
_THOUSANDS = re.compile(r"\d,\d{3}$")
_RESCALE = ("RescaleSlope", "RescaleIntercept")
_MOST_PADDING = 2  # bytes behind the pixels: a length must be even


def remarks(slices: Sequence[Slice], *, ct: bool) -> list[str]:
    """List what a person should know of the headers of a stack's slices, each sentence once.

    Parameters
    ----------
    slices
        Of one stack.
    ct
        Whether their values should be Hounsfield units.
    """
    said: dict[str, list[str]] = defaultdict(list)
    for header in {id(s.header): s.header for s in slices}.values():
        for sentence in (*_numbers(header), *_layout(header), *(_hounsfield(header) if ct else ())):
            said[sentence].append(header.path.name)
    return [
        f"{files[0]}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: {sentence}."
        for sentence, files in said.items()
    ]


def _numbers(header: Header) -> Iterator[str]:
    """Numbers that are none, or too few."""
    for name, count in _HOW_MANY.items():
        found = len(header.numbers(name))
        text = "" if found == count else header.raw_text(name)
        if not text:
            continue
        if found == 0:
            yield f"{name} '{text[:60]}' is no number and was ignored"
        elif found < count or (count > 1 and found > count):
            yield f"{name} '{text[:60]}' has {found} of {count} numbers and was ignored"
    if header.numbers("WindowWidth")[:1] and header.numbers("WindowWidth")[0] <= 0:
        yield f"WindowWidth '{header.raw_text('WindowWidth')}' is not above 0 and was ignored"
    for name, text in header.unreadable:
        if name not in _RESCALE:
            yield f"{name} '{text[:60]}' of a frame is no number and was ignored"


def _layout(header: Header) -> Iterator[str]:
    """Bits and lengths that contradict each other."""
    bits = bit_layout(header)
    stored, high = header.integer("BitsStored", bits.stored), header.integer("HighBit", bits.high)
    if header.pixel_tag == PIXEL_DATA and (stored, high) != (bits.stored, bits.high):
        yield (
            f"{stored} bits stored, highest {high}, do not fit into {bits.allocated} allocated ones; {bits.stored} are read, "
            f"highest {bits.high}"
        )
    if header.integer("PixelRepresentation") > 1:
        yield f"PixelRepresentation is {header.integer('PixelRepresentation')}; values are read as unsigned"
    if header.fragments is not None or header.pixel_length is None or header.pixel_offset is None:
        return
    needed = native_frame_size(header) * (1 if bits.allocated == 1 else frame_count(header))
    there = header.file_size - header.pixel_offset
    if header.pixel_length > there >= needed:
        yield f"the pixels announce {header.pixel_length} bytes where the file has {there}; the {needed} that they need were read"
        return
    surplus = header.pixel_length - needed
    if surplus > _MOST_PADDING:
        yield (
            f"the pixels are {surplus} bytes longer than {frame_count(header)} frame(s) of {header.integer('Rows')} × "
            f"{header.integer('Columns')}; the rest was ignored"
        )


def _hounsfield(header: Header) -> Iterator[str]:
    """What makes it doubtful that the values are Hounsfield units."""
    has_table = header.has("ModalityLUTSequence")
    if has_table and has_empty_table(header.dataset, "ModalityLUTSequence"):
        yield "its ModalityLUTSequence is empty and was ignored"
        has_table = False
    lacking = [name for name in _RESCALE if not header.numbers(name)]
    if lacking and not has_table and not _rescaled_by_frame(header):
        taken = ", ".join(f"{name} {'1' if name == 'RescaleSlope' else '0'}" for name in lacking)
        yield f"it does not say how its values become Hounsfield units; {taken} was assumed"
    elif has_table and len(lacking) < len(_RESCALE):
        yield "it has a modality LUT beside a rescale; the LUT was taken"
    if header.numbers("RescaleSlope")[:1] == (0.0,):
        yield "RescaleSlope is 0, which would erase the picture; 1 was taken"
    elif min(header.numbers("RescaleSlope"), default=1.0) < 0:
        yield f"RescaleSlope is {header.raw_text('RescaleSlope')}: air would be brighter than bone, which no CT has"
    for name in _RESCALE:
        if _THOUSANDS.search(header.raw_text(name)):
            text = header.raw_text(name)
            yield f"the comma of {name} '{text}' was read as a decimal point: {header.numbers(name)[0]:g}"
    kind = header.code("RescaleType")
    if kind and kind.upper() not in ("HU", "HOUNSFIELD", "HU_MOD"):
        yield f"its values are called '{kind}' (RescaleType), not Hounsfield units"
    photometric = header.code("PhotometricInterpretation")
    if photometric == "MONOCHROME1":
        yield "it is to be shown inverted (MONOCHROME1); its Hounsfield units are read as they are"
    elif photometric and photometric != "MONOCHROME2":
        yield f"its pixels are colours ({photometric}), not Hounsfield units"
    has_palette = header.has("RedPaletteColorLookupTableDescriptor")
    if has_palette and header.code("PixelPresentation") in ("COLOR", "MIXED"):
        yield "part of its values are colours (supplemental palette), not Hounsfield units"


def _rescaled_by_frame(header: Header) -> bool:
    try:
        groups = [
            item
            for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
            for item in header.dataset.get(keyword) or []
        ]
        return any(item.get("PixelValueTransformationSequence") for item in groups)
    except Exception:  # damaged groups say nothing
        return False
