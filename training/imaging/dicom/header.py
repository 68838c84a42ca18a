"""DICOM headers, fast: the few tags a volume needs, and where the pixels begin."""

from __future__ import annotations

import math
import os
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ...error_boundary import reads
from ..errors import (
    CorruptFileError,
    EmptyFileError,
    ImageNotFoundError,
    TruncatedFileError,
    UnreadableFileError,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SUFFIXES = (".dcm", ".dicom", ".ima")
"""Suffixes that DICOM files often bear; many bear none."""
PIXEL_DATA = 0x7FE00010
_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, PIXEL_DATA)  # float, double, integer pixel data
_DEFLATED = "1.2.840.10008.1.2.1.99"
_IMPLICIT = "1.2.840.10008.1.2"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"

# Sorted by role; the reader sees nothing else of a header.
TAGS: dict[str, int] = {
    "SpecificCharacterSet": 0x00080005,
    "ImageType": 0x00080008,
    "SOPClassUID": 0x00080016,
    "SOPInstanceUID": 0x00080018,
    "AcquisitionTime": 0x00080032,
    "ContentTime": 0x00080033,
    "Modality": 0x00080060,
    "StudyDescription": 0x00081030,
    "SeriesDescription": 0x0008103E,
    "PatientID": 0x00100020,
    "ContrastBolusAgent": 0x00180010,
    "SliceThickness": 0x00180050,
    "KVP": 0x00180060,
    "SpacingBetweenSlices": 0x00180088,
    "TriggerTime": 0x00181060,
    "ImagerPixelSpacing": 0x00181164,
    "ConvolutionKernel": 0x00181210,
    "StudyInstanceUID": 0x0020000D,
    "SeriesInstanceUID": 0x0020000E,
    "SeriesNumber": 0x00200011,
    "AcquisitionNumber": 0x00200012,
    "InstanceNumber": 0x00200013,
    "ImagePositionPatient": 0x00200032,
    "ImageOrientationPatient": 0x00200037,
    "FrameOfReferenceUID": 0x00200052,
    "TemporalPositionIdentifier": 0x00200100,
    "SliceLocation": 0x00201041,
    "TemporalPositionIndex": 0x00209128,
    "NominalPercentageOfCardiacPhase": 0x00209241,
    "SamplesPerPixel": 0x00280002,
    "PhotometricInterpretation": 0x00280004,
    "NumberOfFrames": 0x00280008,
    "Rows": 0x00280010,
    "Columns": 0x00280011,
    "PixelSpacing": 0x00280030,
    "BitsAllocated": 0x00280100,
    "BitsStored": 0x00280101,
    "HighBit": 0x00280102,
    "PixelRepresentation": 0x00280103,
    "WindowCenter": 0x00281050,
    "WindowWidth": 0x00281051,
    "RescaleIntercept": 0x00281052,
    "RescaleSlope": 0x00281053,
}
_FUNCTIONAL_GROUPS = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "DimensionIndexSequence",
    "SliceLocationVector",
    "GridFrameOffsetVector",
)


@dataclass(slots=True)
class Header:
    """The header of one DICOM file.

    Parameters
    ----------
    path
        The file.
    syntax
        Transfer syntax UID.
    dataset
        The tags of `TAGS` that the file has.
    pixel_offset, pixel_length
        Where the value of Pixel Data begins in the file and how long it claims to be (-1: undefined, as for
        compressed pixels); None where there is none or where the file as a whole is compressed (deflated).
    has_pixels
        Whether the file holds pixels at all.
    file_size
        In bytes.
    """

    path: Path
    syntax: str
    dataset: Dataset
    pixel_offset: int | None = None
    pixel_length: int | None = None
    has_pixels: bool = False
    file_size: int = 0
    # Elements as they lie in the file: converting all of them to pydicom's values takes longer than reading.
    _raw: dict[int, Any] = field(default_factory=dict)

    def numbers(self, name: str) -> tuple[float, ...]:
        """The decimal strings of a tag, or () where it is absent or senseless."""
        value = self._value(name)
        if isinstance(value, bytes):
            return _decimals(value)
        try:
            return tuple(float(v) for v in (value if _is_many(value) else [value]))
        except (TypeError, ValueError):
            return ()

    def integer(self, name: str, default: int = 0) -> int:
        """The unsigned short of a tag, or the default where it is absent."""
        value = self._value(name)
        if isinstance(value, bytes):
            big = self.syntax == _BIG_ENDIAN
            return struct.unpack_from(">H" if big else "<H", value)[0] if len(value) >= 2 else default
        return int(value) if isinstance(value, int) else default

    def code(self, name: str) -> str:
        """An identifier or code word (UI, CS), which is plain ASCII."""
        value = self._value(name)
        if isinstance(value, bytes):
            return value.decode("ascii", "replace").strip("\0 ")
        if value is None:
            return ""
        return "\\".join(map(str, value)) if _is_many(value) else str(value)

    def text(self, name: str) -> str:
        """Free text in the file's character set (slower)."""
        if TAGS[name] not in self.dataset:
            return ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return str(self.dataset[TAGS[name]].value).strip()
        except Exception:  # unreadable text is no reason to refuse a picture
            return ""

    @property
    def truncated(self) -> bool:
        """Whether the file is shorter than its pixels claim."""
        if self.pixel_offset is None or self.pixel_length is None or self.pixel_length < 0:
            return False
        return self.pixel_offset + self.pixel_length > self.file_size

    def _value(self, name: str) -> Any:
        element = self._raw.get(TAGS[name])
        return None if element is None else element.value


def _is_many(value: object) -> bool:
    return not isinstance(value, str) and hasattr(value, "__iter__")


@lru_cache(maxsize=4096)  # most values are the same in all slices of a series
def _decimals(value: bytes) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in value.strip(b"\0 ").split(b"\\"))
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def is_part10(path: Path) -> bool:
    """Tell whether a file begins as DICOM files do: 128 bytes of preamble, then ``DICM`` (PS3.10 7.1)."""
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


@reads(UnreadableFileError)
def read_header(path: Path) -> Header | None:
    """Read the tags of `TAGS` of a DICOM file, and stop before the pixels.

    Returns
    -------
    Header or None
        None where the file is not DICOM.

    Raises
    ------
    EmptyFileError, TruncatedFileError, CorruptFileError, ImageNotFoundError
    """
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's remarks on the dialects of real files
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise EmptyFileError(f"{path} is empty (0 bytes); copy it again from where it came from.")
            preamble = file.read(132)
            if preamble[128:] != b"DICM":
                return _read_bare(path, size, preamble)
            return _read_part10(path, size, file)
    except OSError as error:
        raise ImageNotFoundError(
            f"{path} cannot be read ({error.strerror}); check path and permissions."
        ) from error


def _read_part10(path: Path, size: int, file: BinaryIO) -> Header:
    from pydicom.dataset import Dataset
    from pydicom.filereader import data_element_generator

    try:
        meta = {
            int(element.tag): element.value
            for element in data_element_generator(
                file, False, True, stop_when=_after_meta, specific_tags=[0x00020010]
            )
        }
        syntax = (meta.get(0x00020010) or _IMPLICIT.encode()).decode("ascii").strip("\0 ")
        if syntax == _DEFLATED:
            return _read_with_pydicom(path, size, syntax)
        big, implicit = syntax == _BIG_ENDIAN, syntax == _IMPLICIT
        pixel_lengths: list[int] = []
        raw = {
            int(element.tag): element
            for element in data_element_generator(
                file, implicit, not big, stop_when=_stopper(pixel_lengths), specific_tags=list(TAGS.values())
            )
        }
    except Exception as error:  # whatever pydicom makes of damaged bytes
        raise CorruptFileError(
            f"{path} begins like DICOM but its header is broken ({error}); export it again."
        ) from error
    header = Header(path, syntax, Dataset(cast(Any, raw)), file_size=size, _raw=raw)
    if pixel_lengths:
        # The generator stops in front of the element: skip tag, VR and length, 12 bytes (8 without VR).
        header.has_pixels = True
        header.pixel_offset = file.tell() + (8 if implicit else 12)
        header.pixel_length = -1 if pixel_lengths[0] == 0xFFFFFFFF else pixel_lengths[0]
    elif file.tell() > size:
        raise TruncatedFileError(f"{path} ends within its header; copy it again from where it came from.")
    return _with_frames(header)


def _after_meta(tag: int, vr: str | None, length: int) -> bool:
    return tag >> 16 > 2


def _stopper(pixel_lengths: list[int]) -> Callable[[int, str | None, int], bool]:
    def stop(tag: int, vr: str | None, length: int) -> bool:
        if tag >> 16 < 0x7FE0:  # pydicom's tags compare slowly; what a shift leaves is a plain int
            return False
        if tag in _PIXEL_TAGS:
            pixel_lengths.append(length)
        return tag in _PIXEL_TAGS or tag > PIXEL_DATA

    return stop


def _read_bare(path: Path, size: int, start: bytes) -> Header | None:
    """A DICOM file without preamble begins with group 2 or 8, little endian."""
    if len(start) < 8 or start[:2] not in (b"\x02\x00", b"\x08\x00") or start[3] != 0:
        return None
    header = _read_with_pydicom(path, size, "")
    return header if header.code("SOPClassUID") or header.integer("Rows") else None


def _read_with_pydicom(path: Path, size: int, syntax: str, extra: tuple[str, ...] = ()) -> Header:
    from pydicom import dcmread

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dcmread(path, force=True, stop_before_pixels=True, specific_tags=[*TAGS, *extra])
            raw: dict[int, Any] = {int(element.tag): element for element in dataset}
    except Exception as error:  # whatever pydicom and zlib make of damaged bytes
        raise CorruptFileError(
            f"{path} begins like DICOM but its header is broken ({error}); export it again."
        ) from error
    if not syntax:
        little, implicit = dataset.original_encoding[1], dataset.original_encoding[0]
        guessed = (_IMPLICIT if implicit else "1.2.840.10008.1.2.1") if little else _BIG_ENDIAN
        syntax = str(dataset.file_meta.get("TransferSyntaxUID", "")) or guessed
    header = Header(path, syntax, dataset, has_pixels="Rows" in dataset, file_size=size, _raw=raw)
    return header if extra else _with_frames(header)


def _with_frames(header: Header) -> Header:
    """Headers of multi-frame files also carry what each frame says about itself."""
    frames = header.numbers("NumberOfFrames")
    if header.has_pixels and not (header.integer("Rows") and header.integer("Columns")):
        raise CorruptFileError(f"{header.path} announces a picture without rows or columns; export it again.")
    # An enhanced file of one frame has its place in the functional groups too.
    if not frames or (frames[0] <= 1 and header.numbers("ImagePositionPatient")):
        return header
    if frames[0] > header.file_size:
        raise CorruptFileError(
            f"{header.path} announces {frames[0]:.0f} frames, more than it has bytes; export it again."
        )
    full = _read_with_pydicom(header.path, header.file_size, header.syntax, extra=_FUNCTIONAL_GROUPS)
    for keyword in _FUNCTIONAL_GROUPS:
        if keyword in full.dataset:
            header.dataset[keyword] = full.dataset[keyword]
    return header
