"""Writing a DICOM object into a file, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...atomic import write_atomically

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from .source import Source

_LATERALITY = ("PR", "OT", "CT")
"""Modalities of objects in whose series it may not be missing."""

_NO_TIME = {"DA": "19000101", "TM": "000000", "DT": "19000101"}
"""What stands in a de-identified object where a date must be."""
_IDENTITY = ("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence")


def save(dataset: Dataset, path: Path, source: Source) -> None:
    """Write an object with its file header, atomically; that the patient's identity was removed from the series is said in it too.

    Raises
    ------
    SaveError
        The file could not be written; what was there before is unchanged.
    """
    if dataset.get("Modality") in _LATERALITY and "Laterality" not in dataset:
        dataset.Laterality = ""  # asked for (type 2C) where nothing else tells the side: the chest is both
    first = source.datasets[0]
    if dataset.get("Modality") == "SEG" and source.is_radiograph and "PatientOrientation" not in dataset:
        # Asked for (type 2C) where no place in the patient tells it.
        dataset.PatientOrientation = first.get("PatientOrientation") or ""
    for name in _IDENTITY:
        if name in first:
            dataset[name] = first[name]
    if not source.dated:
        dataset.walk(_without_dates)
    data = io.BytesIO()
    dataset.save_as(data, enforce_file_format=True)
    write_atomically(path, data.getvalue())


def _without_dates(_dataset: Dataset, element: Any) -> None:
    if element.VR in _NO_TIME and element.value:
        element.value = _NO_TIME[element.VR]
