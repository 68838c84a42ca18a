"""CT series whose Hounsfield units are a linear function of place, plus a shift by which each phase is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

from napari_lungmtl.training.imaging import Image

ORIGIN = (-10.0, -20.0)  # x, y of the first pixel
SPACING = (1.5, 1.25)  # rows, columns
SHAPE = (10, 12)


def field(
    positions: Sequence[Sequence[float]], shift: float = 0.0, rows: Sequence[float] = (1, 0, 0, 0, 1, 0)
) -> np.ndarray:
    """HU = -200 + 2x + 3y + 5z + shift on the slices that begin at these positions (x, y, z)."""
    right, down = np.asarray(rows[:3], float) * SPACING[1], np.asarray(rows[3:], float) * SPACING[0]
    row, column = np.indices(SHAPE)
    places = np.asarray(positions, float)[:, None, None] + row[..., None] * down + column[..., None] * right
    return np.rint(-200 + places @ [2.0, 3.0, 5.0] + shift).astype(np.int16)


def shift_of(image: Image) -> np.ndarray:
    """How far each slice of an image lies above the field: equal numbers where it is of one phase."""
    assert image.spacing is not None
    z, y, x = (np.arange(n) * s + o for n, s, o in zip(image.shape, image.spacing, image.origin, strict=True))
    plain = -200 + 2 * x[None, None] + 3 * y[None, :, None] + 5 * z[:, None, None]
    off = image.voxels - plain
    assert np.ptp(off, axis=(1, 2)).max() <= 1.01
    return np.round(np.median(off, axis=(1, 2)))


def ct_slice(
    z: float, shift: float = 0.0, *, position: Sequence[float] | None = None, **tags: object
) -> Dataset:
    """One slice of the field; a tag of None is left out."""
    place = (*ORIGIN, z) if position is None else position
    rows = tags.get("ImageOrientationPatient") or (1, 0, 0, 0, 1, 0)
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    values: dict[str, object] = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": generate_uid(entropy_srcs=[str(place), str(shift), str(sorted(tags.items()))]),
        "Modality": "CT",
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "PatientID": "P",
        "SeriesDescription": "Chest",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "FrameOfReferenceUID": "1.2.3.9",
        "ImagePositionPatient": list(place),
        "ImageOrientationPatient": list(rows),  # type: ignore[call-overload]
        "PixelSpacing": list(SPACING),
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 0,
        "RescaleIntercept": "-1024",
        "RescaleSlope": "1",
    } | tags
    for name, value in values.items():
        if value is not None:
            setattr(ds, name, value)
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = (
        ds.SOPClassUID,
        ds.SOPInstanceUID,
    )
    ds.Rows, ds.Columns = SHAPE
    ds.PixelData = (field([place], shift, rows)[0] + 1024).astype("<u2").tobytes()  # type: ignore[arg-type]
    ds["PixelData"].VR = "OW"
    return ds


def write(datasets: Sequence[Dataset], folder: Path, names: Sequence[str] | None = None) -> list[Path]:
    """Save datasets under names of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / (names[k] if names else f"{k:04d}.dcm") for k in range(len(datasets))]
    for ds, file in zip(datasets, files, strict=True):
        ds.save_as(file, enforce_file_format=True)
    return files


def stack(
    count: int = 8,
    *,
    start: float = 30.0,
    step: float = 2.5,
    shift: float = 0.0,
    first_number: int = 1,
    **tags: object,
) -> list[Dataset]:
    """Slices of the field; a callable tag gets the number of the slice from 0."""
    return [
        ct_slice(
            start + k * step,
            shift,
            **{"InstanceNumber": first_number + k} | {n: v(k) if callable(v) else v for n, v in tags.items()},
        )
        for k in range(count)
    ]


def item(**values: object) -> Dataset:
    """A functional group: macros by name, each a dict of its elements."""
    group = Dataset()
    for macro, elements in values.items():
        setattr(group, macro, [_elements(elements)])  # type: ignore[arg-type]
    return group


def multi_frame(
    frames: Sequence[tuple[float, float, Dataset]], shared: Dataset | None = None, **tags: object
) -> Dataset:
    """One file of frames (z, shift, functional group); without groups, plain multi-frame."""
    ds = ct_slice(frames[0][0], SOPClassUID=EnhancedCTImageStorage, **tags)
    ds.NumberOfFrames = len(frames)
    if shared is not None:
        for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            if name not in tags:
                delattr(ds, name)
        ds.SharedFunctionalGroupsSequence = [shared]
        ds.PerFrameFunctionalGroupsSequence = [group for _, _, group in frames]
    pixels = [field([(*ORIGIN, z)], shift)[0] + 1024 for z, shift, _ in frames]
    ds.PixelData = np.stack(pixels).astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def plane(z: float, **content: object) -> Dataset:
    """A frame's functional group: its place, and what its frame content says."""
    group = item(PlanePositionSequence={"ImagePositionPatient": [*ORIGIN, z]})
    if content:
        group.FrameContentSequence = [_elements(content)]
    return group


def _elements(values: dict[str, object]) -> Dataset:
    inner = Dataset()
    for name, value in values.items():
        setattr(inner, name, value)
    return inner


def shared_group() -> Dataset:
    """Orientation and pixel size of all frames."""
    return item(
        PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
        PixelMeasuresSequence={"PixelSpacing": list(SPACING), "SliceThickness": "2.5"},
    )
