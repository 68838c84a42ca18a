"""Write a radiograph as DICOM (DX, for presentation): samples, and ground truth for the reader's tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..image import Image
from .write_series import decimal_string, identity_of, is_uid

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def write_projection(image: Image, path: str | Path, *, bits: int = 12, bright_air: bool = False) -> Path:
    """Write a radiograph as one DICOM file (Digital X-Ray Image Storage, Explicit VR Little Endian).

    Everything in the file follows from the image alone, UIDs included: writing twice gives equal bytes.

    Parameters
    ----------
    image
        Radiograph (h, w) with dark air and whole values from 0 to 2**bits - 1; fractions are rounded. Its spacing becomes
        PixelSpacing, its window the proposed one.
    path
        The file; folders above it are made.
    bits
        Stored bits, 8 to 16.
    bright_air
        Write MONOCHROME1, as many scanners do: values and window are inverted, and look the same when read.

    Raises
    ------
    ValueError
        The image is a volume, or its values do not fit the bits.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    projection_dataset(image, bits=bits, bright_air=bright_air).save_as(path, enforce_file_format=True)
    return path


def projection_dataset(image: Image, *, bits: int = 12, bright_air: bool = False) -> Dataset:
    """Build the DICOM dataset of a radiograph, ready to be saved; as `write_projection`."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation as storage
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    white = 2**bits - 1
    values = np.rint(image.voxels)
    if image.ndim != 2 or not 8 <= bits <= 16 or values.min() < 0 or values.max() > white:
        raise ValueError(
            f"values from {values.min()} to {values.max()}, shape {image.shape}: not {bits} bits"
        )
    identity = identity_of(image)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = storage
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPInstanceUID = generate_uid(entropy_srcs=[identity, "instance", str(bits), str(bright_air)])
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.StudyInstanceUID = generate_uid(entropy_srcs=[identity, "study"])
    ds.SeriesInstanceUID = (
        image.series_uid if is_uid(image.series_uid) else generate_uid(entropy_srcs=[identity])
    )
    ds.Modality = "DX"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.ImageType = ["ORIGINAL", "PRIMARY", ""]
    ds.PatientID = ds.PatientName = str(image.metadata.get("patient_id", ""))
    ds.PatientBirthDate = ds.PatientSex = ds.StudyID = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.StudyDate = ds.StudyTime = ds.Manufacturer = ""
    ds.SeriesNumber = ds.InstanceNumber = 1
    ds.BodyPartExamined, ds.ViewPosition, ds.PatientOrientation = "CHEST", "PA", ["L", "F"]
    if image.spacing is not None:
        ds.PixelSpacing = [decimal_string(s) for s in image.spacing]
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME1" if bright_air else "MONOCHROME2"
    ds.PresentationLUTShape = "INVERSE" if bright_air else "IDENTITY"
    ds.Rows, ds.Columns = image.shape
    ds.BitsAllocated = 8 if bits == 8 else 16
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits - 1, 0
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "US"
    if image.window is not None:
        center, width = image.window
        ds.WindowCenter = decimal_string(white - center if bright_air else center)
        ds.WindowWidth = decimal_string(width)
    pixels = (white - values if bright_air else values).astype("u1" if bits == 8 else "<u2").tobytes()
    ds.PixelData = pixels + b"\0" * (len(pixels) % 2)
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"
    return ds
