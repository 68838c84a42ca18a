"""Volumes with one bright voxel at a known place, stored in ways that scanners and programs store them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import strategies as st
from pydicom import dcmread

from napari_lungmtl.training.imaging import Image
from napari_lungmtl.training.imaging.dicom.write_series import slice_dataset

BRIGHT = 1234


@dataclass
class Stored:
    """An array on axes of its own, with the world vectors (z, y, x) of its axes."""

    voxels: np.ndarray
    steps: np.ndarray
    origin: np.ndarray


def marked(
    shape=(6, 8, 9), index=(1, 5, 2), spacing=(2.5, 0.7, 0.8), origin=(-120.0, 10.0, -33.3), **fields
) -> Image:
    """A noisy volume whose brightest voxel is at `index` (counted round where the shape is smaller)."""
    voxels = np.random.default_rng(0).integers(-1000, 400, shape).astype(np.int16)
    voxels[tuple(i % n for i, n in zip(index, shape))] = BRIGHT
    return Image(voxels, modality="CT", spacing=spacing, origin=origin, **fields)


def brightest(image: Image) -> np.ndarray:
    """World position of the brightest voxel."""
    return image.to_world(np.unravel_index(np.argmax(image.voxels), image.shape))


def turned(image: Image, order: tuple[int, ...], flips: tuple[bool, ...]) -> Stored:
    """The same volume with axes permuted, then flipped."""
    assert image.spacing is not None
    voxels = image.voxels.transpose(order)
    steps = np.diag(image.spacing)[list(order)]
    origin = np.array(image.origin)
    for axis, flip in enumerate(flips):
        if flip:
            voxels = np.flip(voxels, axis)
            origin = origin + steps[axis] * (voxels.shape[axis] - 1)
            steps[axis] *= -1
    return Stored(np.ascontiguousarray(voxels), steps, origin)


def write_dicom(stored: Stored, folder: Path, numbers: list[int] | None = None) -> list[Path]:
    """One file per index of the first axis, wherever the axes point."""
    folder.mkdir(parents=True, exist_ok=True)
    lengths = np.linalg.norm(stored.steps, axis=1)
    image = Image(stored.voxels, modality="CT", spacing=tuple(lengths))
    directions = (stored.steps / lengths[:, None])[:, ::-1]  # (x, y, z)
    files = []
    for k in range(len(stored.voxels)):
        number = numbers[k] if numbers else k + 1
        ds = slice_dataset(image, k, number=number, identity="test")
        ds.ImagePositionPatient = [float(f"{v:.10g}") for v in (stored.origin + k * stored.steps[0])[::-1]]
        ds.ImageOrientationPatient = [float(f"{v:.10g}") for v in (*directions[2], *directions[1])]
        files.append(folder / f"{number:04d}.dcm")
        ds.save_as(files[-1], enforce_file_format=True)
    return files


orders = st.permutations(range(3)).map(tuple)
flips = st.tuples(st.booleans(), st.booleans(), st.booleans())


@st.composite
def images(draw) -> Image:
    """Marked volumes of any place, voxel size and shape."""
    shape = draw(st.tuples(*[st.integers(3, 9)] * 3))
    index = tuple(draw(st.integers(0, n - 1)) for n in shape)
    spacing = draw(st.tuples(*[st.floats(0.3, 5.0).map(lambda v: round(v, 4))] * 3))
    origin = draw(st.tuples(*[st.floats(-900.0, 900.0).map(lambda v: round(v, 4))] * 3))
    return marked(shape, index, spacing, origin)


def change(files, **tags):
    """Set tags of written files; a callable gets the slice number and the dataset."""
    for k, file in enumerate(files):
        ds = dcmread(file)
        for name, value in tags.items():
            value = value(k, ds) if callable(value) else value
            if value is None:
                delattr(ds, name)
            else:
                setattr(ds, name, value)
        ds.save_as(file)
