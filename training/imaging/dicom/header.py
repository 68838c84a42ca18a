"""DICOM headers, fast: the few tags a volume needs, and where the pixels begin."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
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
from .container import (
    BIG_ENDIAN,
    EXPLICIT,
    IMPLICIT,
    Container,
    Fragments,
    find_start,
    inflate,
    read_container,
)
from .decimals import is_many, mend_numbers, numbers_of, text_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SUFFIXES = (".dcm", ".dicom", ".ima")
"""Suffixes that DICOM files often bear; many bear none."""
_ENHANCED = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
_MOST_FRAMES = 1 << 16
_NO_SHORT = frozenset({"DS", "IS", "UL", "SL", "FL", "FD"})

# Sorted by role; the reader sees nothing else of a header.
TAGS: dict[str, int] = {
    "SpecificCharacterSet": 0x00080005,
    "ImageType": 0x00080008,
    "SOPClassUID": 0x00080016,
    "SOPInstanceUID": 0x00080018,
    "StudyDate": 0x00080020,
    "AcquisitionDateTime": 0x0008002A,
    "StudyTime": 0x00080030,
    "AcquisitionTime": 0x00080032,
    "ContentTime": 0x00080033,
    "Modality": 0x00080060,
    "StudyDescription": 0x00081030,
    "SeriesDescription": 0x0008103E,
    "PatientName": 0x00100010,
    "PatientID": 0x00100020,
    "PatientBirthDate": 0x00100030,
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
    "PlanarConfiguration": 0x00280006,
    "Rows": 0x00280010,
    "Columns": 0x00280011,
    "PixelSpacing": 0x00280030,
    "NominalScannedPixelSpacing": 0x00182010,
    "PixelPresentation": 0x00089205,
    "PixelAspectRatio": 0x00280034,
    "BitsAllocated": 0x00280100,
    "BitsStored": 0x00280101,
    "HighBit": 0x00280102,
    "PixelRepresentation": 0x00280103,
    "PixelPaddingValue": 0x00280120,
    "PixelPaddingRangeLimit": 0x00280121,
    "WindowCenter": 0x00281050,
    "WindowWidth": 0x00281051,
    "RescaleIntercept": 0x00281052,
    "RescaleSlope": 0x00281053,
    "RescaleType": 0x00281054,
    "LossyImageCompression": 0x00282110,
    "RedPaletteColorLookupTableDescriptor": 0x00281101,
    "ModalityLUTSequence": 0x00283000,
}
_FUNCTIONAL_GROUPS = (
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
    "DimensionIndexSequence",
    "SliceLocationVector",
    "GridFrameOffsetVector",
)


@dataclass(frozen=True)
class BitLayout:
    """Bits of a stored value, with contradictions of the header mended."""

    allocated: int
    stored: int
    high: int
    signed: bool


@dataclass(slots=True)
class Header:
    """The header of one DICOM file.

    Parameters
    ----------
    path
        The file.
    syntax
        Transfer syntax UID: what the file says, or what its bytes say where it says nothing.
    dataset
        The tags of `TAGS` that the file has.
    pixel_offset, pixel_length
        Where the value of Pixel Data begins (in what `open` gives) and how long it claims to be (-1: encapsulated); None where
        there is none.
    has_pixels
        Whether the file holds pixels at all.
    file_size
        In bytes; of the data set, where it is deflated.
    pixel_tag, pixel_vr
        Pixel Data, Float Pixel Data or Double Float Pixel Data, and its VR ("" where the data set is implicit).
    little
        Whether numbers are little endian.
    fragments
        Of encapsulated pixels.
    deflated_at
        Where the deflated data set begins, if it is deflated.
    bits
        Once `codecs.bits.bit_layout` has read them.
    unreadable
        Numbers of functional groups that are none, as (keyword, text).
    """

    path: Path
    syntax: str
    dataset: Dataset
    pixel_offset: int | None = None
    pixel_length: int | None = None
    has_pixels: bool = False
    file_size: int = 0
    pixel_tag: int | None = None
    pixel_vr: str = ""
    little: bool = True
    fragments: Fragments | None = None
    deflated_at: int | None = None
    bits: BitLayout | None = None
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    # Elements as they lie in the file: converting all of them to pydicom's values takes longer than reading.
    _raw: dict[int, Any] = field(default_factory=dict)

    def open(self) -> BinaryIO:
        """Open what `pixel_offset` and the fragments count in: the file, or its inflated data set."""
        if self.deflated_at is not None:
            return io.BytesIO(inflate(self.path, self.deflated_at))
        return open(self.path, "rb")

    def numbers(self, name: str) -> tuple[float, ...]:
        """The decimal strings of a tag, or () where it is absent or one of them is no number."""
        element = self._raw.get(TAGS[name])
        return () if element is None else numbers_of(element)

    def set_frames(self, count: int) -> None:
        """Correct the number of frames."""
        element = self._raw.get(TAGS["NumberOfFrames"])
        if element is None:
            from pydicom.dataelem import RawDataElement
            from pydicom.tag import BaseTag

            element = RawDataElement(BaseTag(TAGS["NumberOfFrames"]), "IS", 0, b"", 0, False, self.little)
        self._raw[TAGS["NumberOfFrames"]] = element._replace(VR="IS", value=str(count).encode())

    def has(self, name: str) -> bool:
        """Whether the file has a tag."""
        return TAGS[name] in self._raw

    def raw_text(self, name: str) -> str:
        """The value of a tag as it is written, for messages; "" where it is absent or empty."""
        element = self._raw.get(TAGS[name])
        return "" if element is None else text_of(element)

    def integer(self, name: str, default: int = 0) -> int:
        """The unsigned short of a tag, or the default where it is absent."""
        element = self._raw.get(TAGS[name])
        if element is None:
            return default
        value = element.value
        if isinstance(value, bytes):
            if element.VR in _NO_SHORT:
                return int((numbers_of(element) or (default,))[0])
            order = "<H" if element.is_little_endian else ">H"
            return struct.unpack_from(order, value)[0] if len(value) >= 2 else default
        return int(value) if isinstance(value, int) else default

    def code(self, name: str) -> str:
        """An identifier or code word (UI, CS), which is plain ASCII."""
        value = self._value(name)
        if isinstance(value, bytes):
            return value.decode("ascii", "replace").strip("\0 ")
        if value is None:
            return ""
        return "\\".join(map(str, value)) if is_many(value) else str(value)

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

    def _value(self, name: str) -> Any:
        element = self._raw.get(TAGS[name])
        return None if element is None else element.value


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
    header = _read(path, _WANTED)
    return None if header is None else _with_frames(header)


def read_tags(path: Path, keywords: Sequence[str]) -> Dataset:
    """Read further tags of a DICOM file that has a header.

    Raises
    ------
    ImageError
        The file is damaged.
    """
    from pydicom.datadict import tag_for_keyword

    header = _read(path, [tag for keyword in keywords if (tag := tag_for_keyword(keyword)) is not None])
    if header is None:
        raise CorruptFileError(f"{path} is no longer DICOM; copy it again from where it came from.")
    return header.dataset


def _read(path: Path, tags: Sequence[int]) -> Header | None:
    try:
        with open(path, "rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's remarks on the dialects of real files
            place = find_start(file)
            if place is None:
                if file.seek(0, io.SEEK_END) == 0:
                    raise EmptyFileError(f"{path} is empty (0 bytes); copy it again from where it came from.")
                return None
            found = _container(path, file, place[0], tags, certain=place[1])
    except OSError as error:
        raise ImageNotFoundError(
            f"{path} cannot be read ({error.strerror}); check path and permissions."
        ) from error
    return None if found is None else _header(path, found)


def _container(
    path: Path, file: BinaryIO, start: int, tags: Sequence[int], *, certain: bool
) -> Container | None:
    try:
        found = read_container(path, file, start, tags)
    except (CorruptFileError, TruncatedFileError):
        raise
    except Exception as error:  # whatever pydicom makes of damaged bytes
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if not certain and start > 0:
            return None
        if not file.read(1):
            raise TruncatedFileError(
                f"{path} ends within its header; copy it again from where it came from."
            ) from error
        raise CorruptFileError(
            f"{path} begins like DICOM but its header is broken ({error}); export it again."
        ) from error
    if not certain and not {TAGS["SOPClassUID"], TAGS["Rows"]} & found.raw.keys() and tags is _WANTED:
        return None
    if found.ended_early:
        raise TruncatedFileError(f"{path} ends within its header; copy it again from where it came from.")
    return found


def _header(path: Path, found: Container) -> Header:
    from pydicom.dataelem import RawDataElement
    from pydicom.dataset import Dataset
    from pydicom.tag import BaseTag

    syntax = found.syntax or (IMPLICIT if found.implicit else EXPLICIT if found.little else BIG_ENDIAN)
    if found.storage_class and TAGS["SOPClassUID"] not in found.raw:  # as in the directory of a CD
        found.raw[TAGS["SOPClassUID"]] = RawDataElement(
            BaseTag(TAGS["SOPClassUID"]),
            "UI",
            0,
            found.storage_class.encode(),
            0,
            found.implicit,
            found.little,
        )
    dataset = Dataset(cast(Any, found.raw))
    if not found.little or TAGS["ModalityLUTSequence"] in found.raw:  # slow, and only tables ask
        dataset.set_original_encoding(found.implicit, found.little)
    return Header(
        path,
        syntax,
        dataset,
        pixel_offset=found.pixel_offset,
        pixel_length=found.pixel_length,
        has_pixels=found.pixel_tag is not None,
        file_size=found.size,
        pixel_tag=found.pixel_tag,
        pixel_vr=found.pixel_vr,
        little=found.little,
        fragments=found.fragments,
        deflated_at=found.deflated_at,
        _raw=found.raw,
    )


def _with_frames(header: Header) -> Header:
    """Headers of multi-frame files also carry what each frame says about itself."""
    frames = header.numbers("NumberOfFrames")
    if header.has_pixels and not (header.integer("Rows") and header.integer("Columns")):
        raise CorruptFileError(f"{header.path} announces a picture without rows or columns; export it again.")
    # An enhanced file of one frame has its place in the functional groups too.
    if (
        header.numbers("ImagePositionPatient")
        if frames and frames[0] <= 1
        else not frames and not _is_enhanced(header)
    ):
        return header
    if frames and frames[0] > min(header.file_size, _MOST_FRAMES):
        raise CorruptFileError(
            f"{header.path} announces {frames[0]:.0f} frames, more than it can hold; export it again."
        )
    groups = read_tags(header.path, [*_FUNCTIONAL_GROUPS, "SpecificCharacterSet"])
    for keyword in _FUNCTIONAL_GROUPS:
        if keyword not in groups:
            continue
        try:
            header.dataset[keyword] = groups[keyword]
        except Exception as error:  # whatever pydicom makes of damaged bytes
            raise CorruptFileError(
                f"{header.path}: what it says of its frames ({keyword}) is damaged ({error}); export it again."
            ) from error
        if keyword.endswith("FunctionalGroupsSequence"):
            for item in groups[keyword].value or []:
                header.unreadable += mend_numbers(item)
    return header


def _is_enhanced(header: Header) -> bool:
    return header.code("SOPClassUID").startswith(_ENHANCED)


_WANTED = list(TAGS.values())
