"""Write a volume as a DICOM CT series: sample studies, and ground truth for the readers' tests."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..image import Image

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_INTERCEPT = -1024  # stored values of usual HU are then positive, as scanners write them


def write_series(
    image: Image, folder: str | Path, *, shuffle: bool = False, compress: bool = False
) -> list[Path]:
    """Write a CT volume as one DICOM file per slice (CT Image Storage, Explicit VR Little Endian, int16).

    Everything in the files follows from the image alone, UIDs included: writing twice gives equal bytes.

    Parameters
    ----------
    image
        Volume (z, y, x) with integral Hounsfield units between -31744 and 31743; fractions are rounded.
    folder
        Made if it does not exist. Files are named ``0001.dcm`` … by instance number.
    shuffle
        Number the instances (and so the files) in a random, fixed order, as careless exports do. Otherwise
        number 1 is the slice nearest the feet.
    compress
        Write JPEG 2000 lossless instead of plain pixels; slices then need at least 32 rows and columns.

    Returns
    -------
    list of Path
        The files, by slice from feet to head.

    Raises
    ------
    ValueError
        The image is not a volume with a spacing, or its values do not fit int16.
    """
    if image.ndim != 3 or image.spacing is None:
        raise ValueError(f"a CT series is written from a volume with a spacing, not from shape {image.shape}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.arange(1, image.shape[0] + 1)
    if shuffle:
        numbers = np.random.default_rng(0).permutation(numbers)
    files = []
    identity = identity_of(image)
    for index, number in enumerate(numbers):
        dataset = slice_dataset(image, index, number=int(number), identity=identity)
        if compress:
            from pydicom.uid import JPEG2000Lossless

            dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
        files.append(folder / f"{number:04d}.dcm")
        dataset.save_as(files[-1], enforce_file_format=True)
    return files


def slice_dataset(
    image: Image, index: int, *, number: int | None = None, identity: str | None = None
) -> Dataset:
    """Build the DICOM dataset of one slice, ready to be saved.

    Parameters
    ----------
    image
        Volume (z, y, x) with a spacing.
    index
        Which slice.
    number
        Its instance number; by default `index` + 1.
    identity
        What UIDs are derived from; by default a digest of the image.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    assert image.spacing is not None
    identity = identity or identity_of(image)
    number = index + 1 if number is None else number
    dz, dy, dx = image.spacing
    z, y, x = image.to_world((index, 0, 0))

    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = generate_uid(entropy_srcs=[identity, "instance", str(index)])
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.StudyInstanceUID = generate_uid(entropy_srcs=[identity, "study"])
    ds.SeriesInstanceUID = (
        image.series_uid if is_uid(image.series_uid) else generate_uid(entropy_srcs=[identity])
    )
    ds.FrameOfReferenceUID = generate_uid(entropy_srcs=[identity, "frame of reference"])
    ds.Modality = "CT"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.PatientID = str(image.metadata.get("patient_id", ""))
    ds.PatientName = ds.PatientID
    ds.PatientBirthDate = ds.PatientSex = ds.StudyID = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.StudyDate = ds.StudyTime = ds.Manufacturer = ds.PositionReferenceIndicator = ds.KVP = ""
    ds.SeriesDescription = str(image.metadata.get("series_description", ""))[:64]
    ds.SeriesNumber = 1
    ds.AcquisitionNumber = 1
    ds.InstanceNumber = number
    ds.PatientPosition = "HFS"
    ds.ImagePositionPatient = [decimal_string(x), decimal_string(y), decimal_string(z)]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.PixelSpacing = [decimal_string(dy), decimal_string(dx)]
    ds.SliceThickness = decimal_string(dz)
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = image.shape[1:]
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelRepresentation = 1
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", str(_INTERCEPT), "HU"
    if image.window is not None:
        ds.WindowCenter, ds.WindowWidth = map(decimal_string, image.window)
    ds.PixelData = _stored(image.voxels[index]).tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def _stored(values: np.ndarray) -> np.ndarray:
    stored = np.rint(values).astype(np.int32) - _INTERCEPT
    if stored.min() < -32768 or stored.max() > 32767:
        raise ValueError(f"values from {values.min()} to {values.max()} do not fit 16-bit CT pixels")
    return stored.astype("<i2")


def decimal_string(value: float) -> str:
    """Format a number as a decimal string (DS), which DICOM allows 16 characters."""
    value = float(value)
    return next(text for digits in range(16, 0, -1) if len(text := f"{value:.{digits}g}") <= 16)


def is_uid(text: str) -> bool:
    """Tell whether a text is a DICOM identifier (UI)."""
    from pydicom.uid import UID

    return bool(text) and UID(text).is_valid


def identity_of(image: Image) -> str:
    """Compute a digest of an image, from which its UIDs are derived."""
    digest = hashlib.sha256(np.ascontiguousarray(image.voxels))
    digest.update(
        repr((image.spacing, image.origin, image.series_uid, image.metadata.get("patient_id"))).encode()
    )
    return digest.hexdigest()
