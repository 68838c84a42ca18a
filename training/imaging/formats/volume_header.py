"""What the headers of MetaImage, NIfTI and NRRD say alike, and the image that is made of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import (
    BadGeometryError,
    CorruptFileError,
    UnsupportedShapeError,
)
from ..image import Image
from ..orient import to_lps
from ..paths import stem_of
from ..series import Series
from ..values import as_int16_or_float32, finite, rescaled
from .flat_volumes import flattened, spacing_is_known
from .stored_values import StoredValues, read_values
from .units import size_warning


@dataclass(frozen=True)
class VolumeHeader:
    """A volume file as its header describes it.

    Parameters
    ----------
    path
        The header file.
    shape
        All axes of the array, slowest first.
    spatial
        Which of them are axes in space.
    steps
        (n, n): row ``a`` is the world vector (LPS; z, y, x), in mm, along the spatial axis ``a``; of length 1
        where `sized` is False.
    origin
        World position (z, y, x) of the first voxel, in mm.
    sized
        Whether the voxel size is known.
    values
        Where the values are.
    slope, intercept
        What makes true values of the stored ones.
    warnings
        Sentences for the person.
    """

    path: Path
    shape: tuple[int, ...]
    spatial: tuple[int, ...]
    steps: np.ndarray
    origin: np.ndarray
    values: StoredValues
    sized: bool = True
    slope: float = 1.0
    intercept: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, ...]:
        """Shape along the axes in space."""
        return tuple(self.shape[axis] for axis in self.spatial)


def read_volume(header: VolumeHeader, *, labels: bool = False) -> Image:
    """Read the volume that a header describes, brought to LPS+ axes; flat if it is a radiograph.

    Parameters
    ----------
    header
        Of the file.
    labels
        Whether it is a label volume: where it must be resampled, no voxel gets a value between two.

    Returns
    -------
    Image
        Int16 where the true values fit, otherwise float32; modality ``""``.

    Raises
    ------
    ImageError
        The pixels are missing, damaged, or no volume.
    """
    _check(header)
    path = header.path
    stored, said = read_values(header.values, math.prod(header.shape))
    voxels = as_int16_or_float32(rescaled(stored, header.slope, header.intercept)).reshape(header.shape)
    voxels = voxels.reshape(header.size)
    voxels, numbers = finite(voxels, path.name)  # before anything is interpolated
    warnings = [*header.warnings, *said, *numbers]
    common: dict[str, Any] = {"series_uid": stem_of(path), "source": path}
    if voxels.ndim == 2:  # a picture is shown as it is stored
        spacing = tuple(np.linalg.norm(header.steps, axis=1)) if header.sized else None
        origin = tuple(header.origin) if header.sized else ()
        if not header.sized:
            warnings.append(f"{path.name} does not state its pixel size: lengths are in pixels.")
        warnings += _doubts(spacing, voxels.shape, path.name)
        return flattened(Image(voxels, spacing=spacing, origin=origin, warnings=tuple(warnings), **common))
    voxels, spacing, origin, kind = to_lps(voxels, header.steps, header.origin, str(path), labels=labels)
    if kind:
        warnings.append(_RESAMPLED[kind])
    if not header.sized:
        warnings.append(f"{path.name} does not state its voxel size: lengths are in pixels.")
        return flattened(Image(voxels, spacing=None, warnings=tuple(warnings), **common))
    warnings += _doubts(spacing, voxels.shape, path.name)
    return flattened(Image(voxels, spacing=spacing, origin=origin, warnings=tuple(warnings), **common))


def _doubts(spacing: tuple[float, ...] | None, shape: tuple[int, ...], name: str) -> tuple[str, ...]:
    """Doubt a voxel size; one that is too large for a radiograph counts as unknown, and `flattened` says that."""
    flat = len(shape) == 2 or shape[0] == 1
    if spacing is None or (flat and not spacing_is_known(spacing[-2:], shape[-2:])):
        return ()
    return size_warning(spacing[-2:], shape[-2:], name) if flat else size_warning(spacing, shape, name)


_RESAMPLED = {
    "oblique": "The volume lies oblique in the patient: it was resampled to straight axes.",
    "sheared": "The volume is sheared, as of a tilted gantry: it was resampled to straight axes.",
}


def volume_series(header: VolumeHeader) -> Series:
    """Describe a volume file by its header."""
    _check(header)
    shape = header.size
    spacing = tuple(float(s) for s in np.linalg.norm(header.steps, axis=1)) if header.sized else None
    if len(shape) == 2 and spacing and not spacing_is_known(spacing, shape):
        spacing = None
    return Series(
        uid=stem_of(header.path),
        n_slices=shape[0] if len(shape) > 2 else 1,
        spacing=spacing,
        shape=shape,
        files=(header.path,),
        path=header.path,
    )


def _check(header: VolumeHeader) -> None:
    path = header.path
    if not header.shape or min(header.shape) < 1:
        raise CorruptFileError(
            f"{path} states a size of {header.shape[::-1]} voxels; correct its header or copy it again."
        )
    others = [n for axis, n in enumerate(header.shape) if axis not in header.spatial and n > 1]
    if others:
        size = header.shape[::-1]
        raise UnsupportedShapeError(
            f"{path} has {len(size)} axes {size}, {len(header.spatial)} of them in space; save one volume per file."
        )
    if len(header.spatial) not in (2, 3):
        raise UnsupportedShapeError(
            f"{path} has {len(header.spatial)} axes in space; save a volume (3) or a picture (2) and open that."
        )
    lengths = np.linalg.norm(header.steps, axis=1)
    if not np.all(np.isfinite(header.steps)) or not np.all(np.isfinite(header.origin)) or lengths.min() <= 0:
        raise BadGeometryError(
            f"{path} has spacing {tuple(lengths[::-1].tolist())} and origin {tuple(header.origin[::-1].tolist())} (x, y, z); "
            "correct them in its header."
        )


def refuse_components(path: Path, count: int) -> None:
    """Refuse several values per voxel, such as colours.

    Raises
    ------
    UnsupportedShapeError
        `count` is not 1.
    """
    if count != 1:
        raise UnsupportedShapeError(
            f"{path} has {count} values per voxel; save one grey channel and open that."
        )
