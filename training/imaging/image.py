"""The image contract: voxels with their place in the patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .values import finite


@dataclass(frozen=True, eq=False)
class Image:
    """Voxels and where they lie, in the order of numpy and napari: (z, y, x).

    World coordinates are DICOM patient coordinates (LPS, millimetres), the ones of LUNA16's ``coordX/Y/Z``, but
    always written (z, y, x) here, so that one order serves arrays, world points and napari layers. Readers bring every
    volume to axes that run along +z (to the head), +y (to the back) and +x (to the patient's left);
    there is therefore no rotation between array and world.

    Parameters
    ----------
    voxels
        (z, y, x) or (y, x). CT in Hounsfield units (int16 or float32); radiographs with dark air. Values that are no finite
        numbers become air, and a sentence of `warnings` counts them: nothing that works on images meets a NaN.
    modality
        DICOM modality: ``"CT"``, ``"CR"``, ``"DX"``; ``""`` where the file does not say.
    spacing
        Distance of neighbouring voxel centres in mm, in the order of the axes of `voxels`. ``None`` where a radiograph has
        no usable pixel spacing; world coordinates are then pixels.
    origin
        World position (mm) of the centre of voxel ``[0, 0, 0]``, in the order of the axes of `voxels`.
    series_uid
        SeriesInstanceUID, or the file's stem where there is none: the case's name in every table.
    source
        File or folder that it was read from.
    window
        Display window (centre, width) proposed by the file, or None.
    metadata
        Further plain values worth showing or writing again (patient id, series description, SOP instance uids by plane …).
    warnings
        Sentences for the person: missing slices, varying spacing, resampled tilt, and so on.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> import numpy as np
    >>> image = lm.Image(np.zeros((4, 5, 6), np.int16), modality="CT", spacing=(2.5, 0.7, 0.7), origin=(-100.0, 0.0, 0.0))
    >>> image.to_world((2, 0, 0)).tolist()
    [-95.0, 0.0, 0.0]
    """

    voxels: np.ndarray
    modality: str = ""
    spacing: tuple[float, ...] | None = None
    origin: tuple[float, ...] = ()
    series_uid: str = ""
    source: Path | None = None
    window: tuple[float, float] | None = None
    metadata: dict[str, object] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.voxels.ndim not in (2, 3):
            raise ValueError(f"an image has 2 or 3 axes, not {self.voxels.ndim}")
        name = Path(self.source).name if self.source else self.series_uid or "The image"
        voxels, said = finite(self.voxels, name)
        if said:
            object.__setattr__(self, "voxels", voxels)
            object.__setattr__(self, "warnings", (*self.warnings, *said))
        object.__setattr__(self, "origin", tuple(float(o) for o in self.origin) or (0.0,) * self.voxels.ndim)
        if self.spacing is not None:
            object.__setattr__(self, "spacing", tuple(float(s) for s in self.spacing))
            if len(self.spacing) != self.voxels.ndim or not all(
                s > 0 and np.isfinite(s) for s in self.spacing
            ):
                raise ValueError(f"spacing {self.spacing} does not fit {self.voxels.ndim} axes")
        if len(self.origin) != self.voxels.ndim:
            raise ValueError(f"origin {self.origin} does not fit {self.voxels.ndim} axes")

    @property
    def ndim(self) -> int:
        """Number of axes: 3 for volumes, 2 for radiographs."""
        return self.voxels.ndim

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of `voxels`."""
        return self.voxels.shape

    @property
    def units(self) -> str:
        """``"mm"``, or ``"pixel"`` where the spacing is unknown."""
        return "pixel" if self.spacing is None else "mm"

    @property
    def is_dicom(self) -> bool:
        """Whether it was read from DICOM: also where its planes are no instances, as those of tilted series."""
        return "sop_instance_uids" in self.metadata

    @property
    def scale(self) -> tuple[float, ...]:
        """The spacing, or ones where it is unknown: the factor from index to world."""
        return self.spacing if self.spacing is not None else (1.0,) * self.ndim

    @property
    def direction(self) -> np.ndarray:
        """Axis directions as columns; the identity, because readers bring every image to LPS+ axes."""
        return np.eye(self.ndim)

    @property
    def extent(self) -> tuple[np.ndarray, np.ndarray]:
        """World coordinates of the outer corners (voxel edges, not centres): lowest and highest."""
        low = np.asarray(self.origin) - 0.5 * np.asarray(self.scale)
        return low, low + np.asarray(self.scale) * np.asarray(self.shape)

    def to_world(self, index: npt.ArrayLike) -> np.ndarray:
        """World coordinates (…, ndim) of fractional voxel indices (…, ndim)."""
        return np.asarray(index, float) * np.asarray(self.scale) + np.asarray(self.origin)

    def to_index(self, world: npt.ArrayLike) -> np.ndarray:
        """Fractional voxel indices (…, ndim) of world coordinates (…, ndim)."""
        return (np.asarray(world, float) - np.asarray(self.origin)) / np.asarray(self.scale)

    def contains(self, world: npt.ArrayLike) -> np.ndarray:
        """Whether world points (…, ndim) lie inside the outer corners."""
        low, high = self.extent
        point = np.asarray(world, float)
        return np.all((point >= low) & (point <= high), axis=-1)
