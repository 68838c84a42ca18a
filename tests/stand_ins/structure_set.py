"""Structure sets (RTSTRUCT) of contours in space, written tag by tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset


def circles(
    center: Sequence[float], radius: float, heights: Sequence[float], normal: Sequence[float] = (1, 0, 0)
) -> list[np.ndarray]:
    """The circles (60, 3) z, y, x in which planes at some heights above its centre cut a ball."""
    across = np.linalg.svd(np.array([normal], float))[2][1:]
    up = np.asarray(normal, float) / np.linalg.norm(normal)
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) @ across
    return [center + h * up + np.sqrt(radius**2 - h**2) * ring for h in heights]


def structure_set(
    path: Path, regions: Mapping[str, Sequence[np.ndarray]], types: Mapping[str, str] | None = None
) -> Path:
    """Write regions, each of contours (n, 3) z, y, x in mm, with their RTROIInterpretedType where one is given."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.55"
    dataset.Modality = "RTSTRUCT"
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [], []
    dataset.RTROIObservationsSequence = []
    for number, (name, rings) in enumerate(regions.items(), 1):
        roi, contours, observation = Dataset(), Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, "1.2.3.9"
        contours.ReferencedROINumber = observation.ReferencedROINumber = number
        contours.ContourSequence = [_contour(ring) for ring in rings]
        observation.RTROIInterpretedType = (types or {}).get(name, "")
        dataset.StructureSetROISequence.append(roi)
        dataset.ROIContourSequence.append(contours)
        dataset.RTROIObservationsSequence.append(observation)
    dataset.save_as(path, enforce_file_format=True)
    return path


def _contour(ring: np.ndarray) -> Dataset:
    item = Dataset()
    item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", len(ring)
    item.ContourData = [f"{value:.4f}" for value in np.asarray(ring)[:, ::-1].ravel()]
    return item
