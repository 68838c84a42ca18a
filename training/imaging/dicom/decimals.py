"""Numbers in DICOM headers as writers really write them: decimal strings (DS, IS) and binary ones, or nothing where it is none."""

from __future__ import annotations

import math
import re
import struct
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_BINARY = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d", "US or SS": "H"}
_GROUP_NUMBERS = (
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
)

# A comma is a decimal point (many countries' locale); D is Fortran's exponent. The unit may follow that DICOM means anyway.
_NUMBER = re.compile(r"([+-]?(?:\d+[.,]?\d*|[.,]\d+))\s*(?:[eEdD]([+-]?\d+))?\s*(?:mm|hu)?", re.IGNORECASE)
_LIST_BY_COMMAS = re.compile(r"\s*[+-]?\d*\.\d+\s*(?:,\s*[+-]?\d*\.\d+\s*)+")  # 0.7,0.7 instead of 0.7\0.7


@lru_cache(maxsize=4096)  # most values are the same in all slices of a series
def decimals(value: bytes) -> tuple[float, ...]:
    """Parse the numbers of a decimal string.

    Parameters
    ----------
    value
        As it lies in the file: numbers separated by backslashes, padded with spaces or NUL.

    Returns
    -------
    tuple of float
        () where there is none, or where one of them is no finite number. Empty components at the end do not count.
    """
    text = value.decode("latin-1").replace("\0", " ")
    parts = [part.strip() for part in text.split("\\")]
    while parts and not parts[-1]:
        parts.pop()
    if len(parts) == 1 and _LIST_BY_COMMAS.fullmatch(parts[0]):
        parts = [part.strip() for part in parts[0].split(",")]
    numbers = [_number(part) for part in parts]
    return tuple(n for n in numbers if n is not None) if None not in numbers else ()


def _number(text: str) -> float | None:
    try:
        number = float(text)  # what nearly all are
        if text.isascii() and "_" not in text:
            return number if math.isfinite(number) else None
    except ValueError:
        pass
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    number = float(f"{match[1].replace(',', '.')}e{match[2] or 0}")
    return number if math.isfinite(number) else None


def numbers_of(element: Any) -> tuple[float, ...]:
    """Read the numbers of an element as it lies in the file, or () where one of them is none."""
    value = element.value
    if isinstance(value, bytes):
        code = _BINARY.get(element.VR or "")
        if code is None:
            return decimals(value)
        order = "<" if element.is_little_endian else ">"
        count = len(value) // struct.calcsize(order + code)
        numbers = tuple(map(float, struct.unpack_from(f"{order}{count}{code}", value)))
    else:
        try:
            numbers = tuple(float(v) for v in (value if is_many(value) else [value]))
        except (TypeError, ValueError):
            return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def text_of(element: Any) -> str:
    """Return the value of an element as it is written, for messages; "" where it is empty."""
    value = element.value
    if isinstance(value, bytes):
        return value.decode("latin-1").strip("\0 ")
    return "" if value is None else str(value)


def is_many(value: object) -> bool:
    """Tell whether pydicom made several values of an element."""
    return not isinstance(value, str) and hasattr(value, "__iter__")


def mend_numbers(item: Dataset) -> list[tuple[str, str]]:
    """Rewrite the numbers of a functional group as DICOM writes them; those that are none are told, and removed."""
    from pydicom.datadict import tag_for_keyword

    told = []
    for macro in _macros(item):
        for keyword in _GROUP_NUMBERS:
            tag = cast(int, tag_for_keyword(keyword))
            element: Any = macro.get_item(tag)
            if element is None or not isinstance(element.value, bytes) or not text_of(element):
                continue
            numbers = numbers_of(element)
            if numbers and element.VR in (None, "DS"):
                value = "\\".join(f"{n:.10g}" for n in numbers).encode()
                macro[tag] = element._replace(value=value, length=len(value), VR="DS")
            elif not numbers:
                told.append((keyword, text_of(element)))
                del macro[tag]
    return told


def _macros(item: Dataset) -> list[Dataset]:
    macros: list[Dataset] = []
    for tag in list(item.keys()):
        try:
            element = item[tag]
            macros += list(element.value or []) if element.VR == "SQ" else []
        except Exception:  # a damaged group is a missing one
            continue
    return macros
