"""Writing a DICOM object into a file, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from ...atomic import write_atomically

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def save(dataset: Dataset, path: Path) -> None:
    """Write an object with its file header, atomically.

    Raises
    ------
    SaveError
        The file could not be written; what was there before is unchanged.
    """
    data = io.BytesIO()
    dataset.save_as(data, enforce_file_format=True)
    write_atomically(path, data.getvalue())
