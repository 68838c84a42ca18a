"""JPEG and JPEG-LS frames, decoded by the GDCM inside SimpleITK.

GDCM's own Python package would end the process on some damaged frames: its exceptions pass Python uncaught. SimpleITK catches
them, and refuses frames that are cut off.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..header import Header

_EXTENDED = "1.2.840.10008.1.2.4.51"
_LOSSLESS = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (57, 70))
_JPEG_LS = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in (80, 81))


def decode_jpeg(frame: bytes, header: Header, syntax: str) -> np.ndarray:
    """Decode one JPEG or JPEG-LS frame.

    Parameters
    ----------
    frame
        Bitstream, from SOI to EOI.
    header
        Of the file that it is from: size, samples, bits, sign.
    syntax
        Transfer syntax. A retired process is decoded as JPEG Extended, since the frame itself says which process it is of.

    Returns
    -------
    numpy.ndarray
        Stored values (rows, columns), or (rows, columns, samples) of several samples.

    Raises
    ------
    ValueError
        The frame is damaged or cut off.
    """
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    # GDCM reads files: one with this frame alone, and without a rescale that it would apply.
    with tempfile.TemporaryDirectory(prefix="lungmtl") as folder:
        path = Path(folder) / "frame.dcm"
        _write(frame, header, syntax, path)
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(path))
        complaints: list[str] = []
        try:
            with _overheard(complaints):
                values = sitk.GetArrayFromImage(reader.Execute())
        except RuntimeError as error:
            raise ValueError(complaints[0] if complaints else "its JPEG bitstream is damaged") from error
    # libjpeg complains of codes that do not add up, and draws on.
    corrupt = [line for line in complaints if line.startswith("Corrupt JPEG data")]
    if corrupt:
        raise ValueError(corrupt[0])
    return _stored(values[0], frame, header, syntax)


@contextmanager
def _overheard(said: list[str]) -> Iterator[None]:
    """Take down what C code writes on standard error: libjpeg inside GDCM says there, and only there, what is wrong."""
    try:
        screen = os.dup(2)
    except OSError:  # a process without standard error
        yield
        return
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(screen, 2)
            os.close(screen)
            notes.seek(0)
            said += notes.read().decode("utf-8", "replace").splitlines()


def _stored(values: np.ndarray, frame: bytes, header: Header, syntax: str) -> np.ndarray:
    """The stored bits of decoded samples, with their sign."""
    allocated = header.integer("BitsAllocated", 16)
    # JPEG-LS goes by its own precision, as in pydicom; of JPEG the header says which of the bits count.
    bits = frame_header(frame).precision if syntax in _JPEG_LS else header.integer("BitsStored", allocated)
    kind = "i" if header.integer("PixelRepresentation") == 1 else "u"
    values = values.astype(f"u{allocated // 8}").view(f"{kind}{allocated // 8}")
    unused = max(0, allocated - bits)
    return np.right_shift(np.left_shift(values, unused), unused)


def _write(frame: bytes, header: Header, syntax: str, path: Path) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, SecondaryCaptureImageStorage, generate_uid

    samples, bits = header.integer("SamplesPerPixel", 1), frame_header(frame).precision
    syntax = syntax if syntax in _LOSSLESS | _JPEG_LS else _EXTENDED
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = SecondaryCaptureImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = generate_uid()
    ds.Rows, ds.Columns = header.integer("Rows"), header.integer("Columns")
    ds.SamplesPerPixel = samples
    ds.PhotometricInterpretation = "RGB" if samples > 1 else "MONOCHROME2"
    if samples > 1:
        ds.PlanarConfiguration = 0
    # 12 bits "allocated": GDCM then takes its 12-bit decoder at once, without a complaint on standard error.
    ds.BitsAllocated = 8 if bits <= 8 else 12 if bits == 12 and syntax == _EXTENDED else 16
    ds.BitsStored, ds.HighBit = bits, bits - 1
    ds.PixelRepresentation = 0
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.save_as(path, enforce_file_format=True)


class FrameHeader(NamedTuple):
    """Process (marker), bits per sample, and rows and columns of a JPEG frame."""

    process: int
    precision: int
    size: tuple[int, int]


def frame_header(frame: bytes) -> FrameHeader:
    """Read the SOF segment of a JPEG frame (ISO 10918-1 B.2.2; F7 in ISO 14495-1).

    Raises
    ------
    ValueError
        There is none.
    """
    place = 2
    while place + 9 <= len(frame) and frame[place] == 0xFF:
        marker = frame[place + 1]
        if marker == 0xFF:  # fill
            place += 1
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            precision = frame[place + 4]
            if not 2 <= precision <= 16:
                raise ValueError(f"its JPEG frame header says {precision} bits per sample")
            rows, columns = (int.from_bytes(frame[place + i : place + i + 2], "big") for i in (5, 7))
            return FrameHeader(marker, precision, (rows, columns))
        else:
            place += 2 + int.from_bytes(frame[place + 2 : place + 4], "big")
    raise ValueError("its JPEG bitstream has no frame header")
