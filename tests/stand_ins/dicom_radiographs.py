"""Radiographs with one bright mark at a known place, and DICOM files of them with any tags."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.dicom.write_projection import projection_dataset

MARK = (21, 70)


def radiograph(bits=12, shape=(90, 110), **fields) -> Image:
    """Noise below three quarters of the range, one pixel at its top."""
    values = np.random.default_rng(0).integers(0, 3 * 2 ** (bits - 2), shape)
    values[MARK] = 2**bits - 1
    fields.setdefault("spacing", (0.2, 0.3))
    return Image(values.astype(np.int32), modality="DX", **fields)


def write(image: Image, path: Path, *, bits=12, bright_air=False, **tags) -> Path:
    """Write it with tags changed; None removes one."""
    ds = projection_dataset(image, bits=bits, bright_air=bright_air)
    for name, value in tags.items():
        if value is None:
            delattr(ds, name)
        else:
            setattr(ds, name, value)
    ds.save_as(path, enforce_file_format=True)
    return path


def table(entries, first: int, bits: int) -> Dataset:
    """An item of a lookup table sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "SS" if first < 0 else "US", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries).astype("<u2").tobytes())
    return item
