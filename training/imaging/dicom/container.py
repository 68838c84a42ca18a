"""The container of a DICOM file: where its data set begins, how it is encoded, where its pixels lie. By the bytes, not the label.

Files say explicit VR and hold implicit, lack the meta information, carry junk in front or tags behind the pixels. What pydicom's
generator of elements reads is used; what it would stumble over is found here.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import CorruptFileError, TruncatedFileError

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
ENCAPSULATED_PLAIN = "1.2.840.10008.1.2.1.98"
NATIVE = frozenset({IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED, ENCAPSULATED_PLAIN, ""})
"""Transfer syntaxes of uncompressed pixels."""

FLOAT_PIXELS, DOUBLE_PIXELS, PIXEL_DATA = 0x7FE00008, 0x7FE00009, 0x7FE00010
_PIXEL_TAGS = (FLOAT_PIXELS, DOUBLE_PIXELS, PIXEL_DATA)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PADDING = 0xFFFC0000  # Data Set Trailing Padding
_UNDEFINED = 0xFFFFFFFF
_ARCHIVES = (b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_JUNK_SEARCHED = 4096  # bytes in front of the magic word
_FIRST_GROUPS = 0xFF  # data sets begin with one of these
_MOST_INFLATED = 1 << 31


@dataclass(slots=True)
class Fragments:
    """The fragments of encapsulated pixels (PS3.5 A.4).

    Parameters
    ----------
    places
        Offset and length of each, without the offset table.
    table
        Basic offset table: where frames begin, relative to the first fragment.
    end
        Where the sequence ends; None where the file ends within a fragment.
    delimited
        Whether the sequence has an end, rather than the file.
    frames
        The fragments of each frame, once somebody asked (`codecs.fragments`).
    """

    places: list[tuple[int, int]] = field(default_factory=list)
    table: tuple[int, ...] = ()
    end: int | None = None
    delimited: bool = False
    frames: list[list[tuple[int, int]]] | None = None


@dataclass(slots=True)
class Container:
    """What is in a DICOM file: its elements, encoding and the place of its pixels (all None where there are none)."""

    syntax: str = ""
    storage_class: str = ""
    raw: dict[int, Any] = field(default_factory=dict)
    implicit: bool = False
    little: bool = True
    size: int = 0
    deflated_at: int | None = None
    pixel_tag: int | None = None
    pixel_vr: str = ""
    pixel_offset: int | None = None
    pixel_length: int | None = None
    fragments: Fragments | None = None
    ended_early: bool = False


def find_start(file: BinaryIO) -> tuple[int, bool] | None:
    """Find where the elements of a DICOM file begin, and whether the magic word says that it is one.

    Without it the first element must be one of group 2 or 8: where files begin that lack the preamble, or its last four bytes.
    """
    start = file.read(132)
    if start[128:] == b"DICM":
        return 132, True
    start += file.read(_JUNK_SEARCHED)
    if start.startswith(_ARCHIVES) or start[257:262] == b"ustar":
        return None  # the first of the files in it is not the study
    place = start.find(b"DICM\x02\x00")
    if place >= 0:
        return place + 4, True
    for place in (0, 128, 132):
        if _begins_data_set(start[place : place + 8]):
            return place, False
    return None


def _begins_data_set(first: bytes) -> bool:
    from pydicom.filereader import ENCODED_VR

    if len(first) < 8:
        return False
    if first[:2] in (b"\x02\x00", b"\x08\x00") and first[3] == 0:
        return first[4:6] in ENCODED_VR or first[6:] == b"\0\0"
    return first[:2] == b"\x00\x08" and first[2] == 0 and first[4:6] in ENCODED_VR


def read_container(path: Path, file: BinaryIO, start: int, tags: Sequence[int]) -> Container:
    """Read the wanted elements of a DICOM file and find its pixels.

    Parameters
    ----------
    path
        For messages.
    file
        Open for reading.
    start
        Where its elements begin, meta information first.
    tags
        The elements to keep.

    Raises
    ------
    TruncatedFileError, CorruptFileError
        A deflated data set is cut off or damaged.
    Exception
        Whatever pydicom makes of damaged bytes.
    """
    from pydicom.filereader import data_element_generator

    file.seek(start)
    meta = {
        int(element.tag): _identifier(element.value)
        for element in data_element_generator(
            file, False, True, stop_when=_after_meta, specific_tags=[0x00020002, 0x00020010]
        )
    }
    found = Container(meta.get(0x00020010, ""), meta.get(0x00020002, ""))
    found.size = os.fstat(file.fileno()).st_size
    place = file.tell()
    first = file.read(8)
    if found.syntax == DEFLATED and not _begins_data_set(first):
        found.deflated_at = place
        file = io.BytesIO(inflate(path, place))
        found.size = len(file.getbuffer())
        place, first = 0, file.read(8)
    found.implicit, found.little = _encoding(first, found.syntax)
    file.seek(place)
    _read_elements(file, found, tags)
    return found


def _identifier(value: Any) -> str:
    return bytes(value or b"").decode("ascii", "replace").strip("\0 ")


def _after_meta(tag: int, vr: str | None, length: int) -> bool:
    return tag >> 16 > 2


def inflate(path: Path, place: int) -> bytes:
    """Decompress a deflated data set (PS3.5 A.5), which begins at a place of the file."""
    with open(path, "rb") as file:
        file.seek(place)
        packed = file.read()
    # Some writers leave zlib's own header in front.
    decompressor = zlib.decompressobj(15 if packed[:1] == b"\x78" and _is_zlib(packed) else -15)
    try:
        data = decompressor.decompress(packed, _MOST_INFLATED)
    except zlib.error as error:
        raise CorruptFileError(
            f"{path}: its deflated data set is damaged ({error}); export it again."
        ) from error
    if len(data) >= _MOST_INFLATED:
        raise CorruptFileError(
            f"{path}: its deflated data set would fill more than 2 GB; export it uncompressed."
        )
    if not decompressor.eof:
        raise TruncatedFileError(
            f"{path} is cut off within its deflated data set; copy it again from where it came from."
        )
    return data


def _is_zlib(packed: bytes) -> bool:
    return len(packed) > 1 and int.from_bytes(packed[:2], "big") % 31 == 0


def _encoding(first: bytes, syntax: str) -> tuple[bool, bool]:
    """Whether the data set is implicit, and little endian, by its first element."""
    from pydicom.filereader import ENCODED_VR

    if len(first) < 8:
        return syntax in (IMPLICIT, ""), syntax != BIG_ENDIAN
    vr = first[4:6]
    unknown_vr = syntax not in (IMPLICIT, "") and vr.isalpha() and vr.isupper()
    explicit = vr in ENCODED_VR or unknown_vr
    # The first group is a small number, 0008 in most files; big endian is always explicit.
    as_little, as_big = int.from_bytes(first[:2], "little"), int.from_bytes(first[:2], "big")
    big = as_big <= _FIRST_GROUPS < as_little or (syntax == BIG_ENDIAN and as_little > _FIRST_GROUPS)
    return not explicit, not (explicit and big)


class _Stop:
    """Tells pydicom's generator where to stop: at pixels, and at items that belong to no sequence."""

    def __init__(self, file: BinaryIO, explicit: bool) -> None:
        self.file = file
        self.explicit = explicit
        self.nameless = False
        self.tag = 0
        self.vr = ""
        self.length = 0
        self.head = 8

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        if vr is None and self.explicit and _has_short_length(self.file, tag):
            self.tag, self.nameless = int(tag), True
            return True
        if tag >> 16 < 0x7FE0:  # pydicom's tags compare slowly; what a shift leaves is a plain int
            return False
        if tag not in _PIXEL_TAGS and tag not in (_ITEM, _SEQUENCE_END):
            return False
        from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

        self.tag, self.vr, self.length = int(tag), vr or "", length
        self.head = 12 if vr is not None and vr in EXPLICIT_VR_LENGTH_32 else 8
        return True


def _has_short_length(file: BinaryIO, tag: int) -> bool:
    """Whether an element of explicit VR, whose VR is none ("??", blanks), has a length of two bytes: then another follows."""
    from pydicom.filereader import ENCODED_VR

    here = file.tell()
    file.seek(here - 2)
    length = int.from_bytes(file.read(2), "little")
    file.seek(length, os.SEEK_CUR)
    following = file.read(6)
    file.seek(here)
    after = int.from_bytes(following[:2], "little") << 16 | int.from_bytes(following[2:4], "little")
    return after > tag and following[4:6] in ENCODED_VR


def _read_nameless(file: BinaryIO, found: Container) -> None:
    """Read an element whose VR is none; the tag tells how its value is written."""
    from pydicom.datadict import dictionary_VR
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import BaseTag

    head = file.read(8)
    tag = int.from_bytes(head[:2], "little") << 16 | int.from_bytes(head[2:4], "little")
    length = int.from_bytes(head[6:], "little")
    place = file.tell()
    value = file.read(length)
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        vr = "UN"
    found.raw[tag] = RawDataElement(BaseTag(tag), vr, length, value, place, False, True)


def _read_elements(file: BinaryIO, found: Container, tags: Sequence[int]) -> None:
    from pydicom.filereader import data_element_generator

    wanted = list(tags)
    while True:
        stop = _Stop(file, not found.implicit and found.little)
        elements = data_element_generator(
            file, found.implicit, found.little, stop_when=stop, specific_tags=wanted
        )
        found.raw.update({int(element.tag): element for element in elements})
        if stop.nameless:
            _read_nameless(file, found)
            continue
        if stop.tag in _PIXEL_TAGS:
            break
        if stop.tag:
            _skip_item(file, found, stop)
        elif file.tell() >= found.size:  # otherwise the end of an item that had no beginning
            found.ended_early = file.tell() > found.size
            return
    found.pixel_tag, found.pixel_vr = stop.tag, stop.vr
    found.pixel_offset = file.tell() + stop.head
    found.pixel_length = -1 if stop.length == _UNDEFINED else stop.length
    _find_fragments(file, found)
    _read_behind_pixels(file, found, wanted)


def _skip_item(file: BinaryIO, found: Container, stop: _Stop) -> None:
    """Pass over an item, or a sequence's end, that stands at top level."""
    from pydicom.filereader import data_element_generator

    file.seek(stop.head, os.SEEK_CUR)
    if stop.tag != _ITEM:
        return
    if stop.length != _UNDEFINED:
        file.seek(stop.length, os.SEEK_CUR)
        return
    for _ in data_element_generator(file, found.implicit, found.little):
        pass


def _find_fragments(file: BinaryIO, found: Container) -> None:
    """Note the fragments of encapsulated pixels; an item at their beginning tells, whatever the label says."""
    assert found.pixel_offset is not None
    assert found.pixel_length is not None
    if found.pixel_length != -1 and found.syntax in (IMPLICIT, EXPLICIT) and found.pixel_length % 2 == 0:
        # Nearly all files. A value that begins like an item is looked at more closely.
        file.seek(found.pixel_offset)
        if file.read(4) != b"\xfe\xff\x00\xe0":
            return
    else:
        file.seek(found.pixel_offset)
        if file.read(4) != b"\xfe\xff\x00\xe0":
            if found.pixel_length == -1 and found.size - found.pixel_offset < 8:
                found.fragments = Fragments()  # cut off at their beginning
            elif found.pixel_length == -1:  # uncompressed, of undefined length: all that follows
                found.pixel_length = found.size - found.pixel_offset
            return
    end = found.size if found.pixel_length == -1 else min(found.size, found.pixel_offset + found.pixel_length)
    walked = _walk(file, found.pixel_offset, end, found.size)
    if found.pixel_length == -1 or (walked.end is not None and walked.places):
        found.fragments, found.pixel_length = walked, -1


def _walk(file: BinaryIO, start: int, end: int, size: int) -> Fragments:
    fragments = Fragments()
    file.seek(start)
    first = True
    while True:
        head = file.read(8)
        tag, length = head[:4], int.from_bytes(head[4:], "little")
        here = file.tell()
        if tag == b"\xfe\xff\xdd\xe0" or (here - len(head) == end and fragments.places and not first):
            # Of a defined length, the delimiter may be lacking.
            fragments.end = min(here, end)
            fragments.delimited = tag == b"\xfe\xff\xdd\xe0" or end < size
            return fragments
        if len(head) < 8 or tag != b"\xfe\xff\x00\xe0" or here + length > end:
            return fragments
        if first:
            table = file.read(length)
            fragments.table = tuple(
                int.from_bytes(table[i : i + 4], "little") for i in range(0, length - 3, 4)
            )
            first = False
        else:
            fragments.places.append((here, length))
            file.seek(length, os.SEEK_CUR)


def _read_behind_pixels(file: BinaryIO, found: Container, tags: Sequence[int]) -> None:
    """Read tags that stand behind the pixels, where they do not belong; junk there is none of our business."""
    from pydicom.filereader import data_element_generator

    assert found.pixel_offset is not None
    assert found.pixel_length is not None
    if found.fragments is not None:
        end = found.fragments.end
    else:
        end = found.pixel_offset + found.pixel_length
    if end is None or found.size - end < 8:
        return
    file.seek(end)
    behind: dict[int, Any] = {}
    try:
        for element in data_element_generator(
            file, found.implicit, found.little, stop_when=_no_tag, specific_tags=list(tags)
        ):
            behind[int(element.tag)] = element
    except Exception:  # whatever pydicom makes of junk
        pass
    found.raw = behind | found.raw


def _no_tag(tag: int, vr: str | None, length: int) -> bool:
    return tag >> 16 < 8 or tag >= _PADDING or tag in _PIXEL_TAGS
