"""The DICOM series that findings belong to: headers of its instances, and where each of its frames lies in the patient."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydicom.multival import MultiValue

from .....imaging.dicom.slices import Slice
from .....imaging.dicom.stacks.stack import Stack
from .....imaging.scan import scan
from ....finding import ImageReference
from ...errors import SaveError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

INSTEAD = "nifti, nrrd, csv or json (a radiograph: coco, yolo, csv or json)"
"""What holds findings of an image that is no DICOM series."""
_TYPE_2 = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName"),
)
_SEXES = ("M", "F", "O", "")
_UPRIGHT = 0.999  # as in the reader of segmentations: slices that are turned further are resampled


@dataclass(frozen=True, eq=False)
class Plane:
    """Where the pixels of a frame lie. Vectors are DICOM's: (x, y, z), LPS mm.

    Parameters
    ----------
    position
        Centre of the first pixel.
    row, column
        Unit vectors along a row (increasing column) and along a column (increasing row).
    spacing
        Distance between rows and between columns in mm.
    shape
        Rows and columns.
    """

    position: np.ndarray
    row: np.ndarray
    column: np.ndarray
    spacing: tuple[float, float]
    shape: tuple[int, int]

    @property
    def normal(self) -> np.ndarray:
        """Unit vector across rows and columns."""
        return np.cross(self.row, self.column)

    def to_pixels(self, xyz: np.ndarray) -> np.ndarray:
        """Fractional row, fractional column and height above the plane in mm (…, 3) of points (…, 3)."""
        away = np.asarray(xyz, float) - self.position
        return np.stack(
            [away @ self.column / self.spacing[0], away @ self.row / self.spacing[1], away @ self.normal],
            axis=-1,
        )

    def points_xyz(self, points: np.ndarray) -> np.ndarray:
        """Places (n, 3) of points (n, 2) column, row of a graphic, the outer corner of the first pixel at (0, 0)."""
        columns, rows = np.asarray(points, float).T[:, :, None] - 0.5
        return self.position + rows * self.spacing[0] * self.column + columns * self.spacing[1] * self.row

    def to_xyz(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Places (r, c, 3) of the pixels in these rows (r,) and columns (c,)."""
        down = rows[:, None, None] * self.spacing[0] * self.column
        return self.position + down + columns[None, :, None] * self.spacing[1] * self.row


@dataclass(frozen=True, eq=False)
class Source:
    """A DICOM series without its pixels.

    Parameters
    ----------
    image
        How the findings name it.
    datasets
        Its instances by place along the slices' normal; a radiograph and a multi-frame scan have one.
    planes
        Of each frame of the datasets; None on a radiograph, and where a frame is no slice of the volume.
    dated
        Whether what is made of it may bear dates; not where identities are hidden.
    """

    image: ImageReference
    datasets: tuple[Dataset, ...]
    planes: tuple[Plane | None, ...]
    dated: bool = True

    @property
    def is_radiograph(self) -> bool:
        """Whether the picture has no place in the patient."""
        return len(self.image.shape) == 2

    @property
    def is_multi_frame(self) -> bool:
        """Whether one instance holds all slices."""
        return len(self.datasets) == 1 and len(self.planes) > 1

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of each frame."""
        return int(self.datasets[0].Rows), int(self.datasets[0].Columns)

    def instance(self, frame: int) -> Dataset:
        """The instance that holds a frame."""
        return self.datasets[0 if self.is_multi_frame else frame]

    def nearest(self, zyx: Sequence[float]) -> int:
        """The frame that a point (z, y, x) lies nearest to."""
        point = np.asarray(zyx, float)[::-1]
        heights = [np.inf if p is None else abs(p.to_pixels(point)[2]) for p in self.planes]
        return int(np.argmin(heights))


def open_source(image: ImageReference, path: Path | str) -> Source:
    """Read the headers of the series that findings belong to.

    Parameters
    ----------
    image
        Of the findings; its `source` is looked at again.
    path
        The file that is to be written, for messages.

    Raises
    ------
    SaveError
        The series is not there any more, is no DICOM, or does not say where its slices lie.
    """
    where = Path(image.source)
    if not image.source or not where.exists():
        raise SaveError(
            f"{path} was not saved: DICOM refers to the images it was made from, and {image.source or 'their folder'} is not "
            f"there any more; name the series with --image, or choose {INSTEAD}"
        )
    stacks = {stack.uid: stack for stack in scan(where).stacks}
    if image.series_uid not in stacks:
        why = (
            f"{where} does not hold the series {image.series_uid}"
            if stacks
            else f"{where} is no DICOM series"
        )
        raise SaveError(f"{path} was not saved as DICOM: {why}; choose {INSTEAD}")
    stack = stacks[image.series_uid]
    if len(image.shape) == 2 or stack.is_radiograph:
        return Source(image, (_header(stack.slices[0].path),), (None,))
    planes = _planes(stack)
    if any(plane is None for plane in planes) or shown_in_its_own_plane(image.shape, stack):
        raise SaveError(
            f"{path} was not saved as DICOM: the slices of {where} do not say where in the patient their pixels lie; "
            "choose csv or json"
        )
    files = list(dict.fromkeys(s.path for s in stack.slices))
    if len(files) == len(stack.slices):
        return Source(image, tuple(_with_thickness(_header(file), image) for file in files), planes)
    if len(files) > 1:
        raise SaveError(
            f"{path} was not saved as DICOM: {where} has several multi-frame files; choose {INSTEAD}"
        )
    header = _header(files[0])
    by_frame = {s.frame: plane for s, plane in zip(stack.slices, planes, strict=True)}
    return Source(image, (header,), tuple(by_frame.get(k) for k in range(int(header.NumberOfFrames))))


def _planes(stack: Stack) -> tuple[Plane | None, ...]:
    return tuple(plane_of(s) for s in stack.slices)


def plane_of(s: Slice) -> Plane | None:
    """Where the pixels of a slice lie by its own header; None where that does not say."""
    if s.position is None or s.orientation is None or s.pixel_spacing is None:
        return None
    row, column = np.asarray(s.orientation[:3]), np.asarray(s.orientation[3:])
    position = np.asarray(s.position)
    return Plane(
        position, row / np.linalg.norm(row), column / np.linalg.norm(column), s.pixel_spacing, s.shape
    )


def shown_in_its_own_plane(shape: tuple[int, ...], stack: Stack) -> bool:
    """Whether a few oblique slices were opened as they are: their world is not the patient's.

    Those that were resampled have more planes, rows or columns than they had.
    """
    row = np.abs(stack.slices[0].orientation or (1, 0, 0, 0, 1, 0))
    oblique = min(row[:3].max(), row[3:].max()) < _UPRIGHT
    return bool(oblique and sorted(shape) == sorted((len(stack.slices), *stack.slices[0].shape)))


def _header(path: Path) -> Dataset:
    """An instance without pixels, in UTF-8, with what an object made from it must copy."""
    import pydicom

    dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    with contextlib.suppress(Exception):  # text in no character set stays as it is
        dataset.decode()
        dataset.SpecificCharacterSet = "ISO_IR 192"
    for name in _TYPE_2:
        if dataset.get(name) is None:
            setattr(dataset, name, "")
    if str(dataset.PatientSex) not in _SEXES:
        dataset.PatientSex = ""
    _drop_what_is_refused(dataset)
    return dataset


def _drop_what_is_refused(dataset: Dataset) -> None:
    """Remove what real scanners write and a new object must not copy: empty or unequal values, found in public series."""
    for name in ("LossyImageCompression", "RescaleType"):
        if name in dataset and not dataset.get(name):
            delattr(dataset, name)
    explained, windows = dataset.get("WindowCenterWidthExplanation"), dataset.get("WindowCenter")
    if explained and _length(explained) != _length(windows):
        del dataset.WindowCenterWidthExplanation


def _length(value: object) -> int:
    return len(value) if isinstance(value, list | MultiValue) else int(value is not None)


def _with_thickness(dataset: Dataset, image: ImageReference) -> Dataset:
    """The distance of the slices in the place of a missing thickness, which may be empty but is copied."""
    if not dataset.get("SliceThickness"):
        dataset.SliceThickness = f"{image.spacing[0] if image.spacing else 1.0:.6g}"
    return dataset


@contextlib.contextmanager
def refused(path: Path | str) -> Iterator[None]:
    """Turn what highdicom says against an incomplete or strange series into a sentence; its remarks on patients' names are dropped.

    Raises
    ------
    SaveError
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        raise SaveError(
            f"{path} was not saved: the series lacks what this DICOM object asks for "
            f"({' '.join(str(error).split())[:300]}); choose {INSTEAD}"
        ) from error
