"""Some slices of the sample CT: a network needs seconds for them, and a third of a minute for all."""

import shutil
from pathlib import Path

import pydicom

from napari_lungmtl.training.api.datasets import sample_ct

Z_MM = (-170.0, -110.0)
"""Around the largest of the nodules and two others."""


def write_sample_slab(folder: Path) -> Path:
    """Copy the slices that lie in `Z_MM`."""
    folder.mkdir()
    for path in sample_ct().iterdir():
        if Z_MM[0] < pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2] < Z_MM[1]:
            shutil.copy(path, folder)
    return folder
