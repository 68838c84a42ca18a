"""Where a place of one CT lies in another CT of the same patient: the lungs registered by SimpleITK, rigidly, then affinely."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from ..imaging.ct.lung_field import lung_field
from ..imaging.image import Image
from ..imaging.resample import resample
from .errors import ComparisonError

STEP_MM = 4.0
"""Voxels of the grid on which lungs are registered."""
RIM_MM = 8.0
"""How far beyond the lungs values count: the chest wall holds what the lungs alone, smooth as they are, would let slide."""
LOW, HIGH = -1000.0, 200.0
"""HU between which values are compared; bone and contrast agent beyond count as soft tissue."""
LEAST_OVERLAP = 0.5
"""Dice of the two lung fields after registration below which nobody should rely on it."""
_ROUNDS = 100
"""Steps of the optimiser at most, on each grid."""


@dataclass(frozen=True, eq=False)
class Registration:
    """Maps world points (z, y, x, mm) of the present study to the prior one, and back.

    Parameters
    ----------
    matrix, offset
        (3, 3) and (3,): prior = matrix · present + offset.
    overlap
        Dice of both lung fields, where they were registered; None where places are taken as they are.

    Examples
    --------
    >>> moved = Registration(np.eye(3), np.array([10.0, 0.0, 0.0]))
    >>> moved.to_prior((1.0, 2.0, 3.0)).tolist(), moved.to_present((11.0, 2.0, 3.0)).tolist()
    ([11.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    """

    matrix: np.ndarray
    offset: np.ndarray
    overlap: float | None = None

    @classmethod
    def by_position(cls) -> Registration:
        """Take places as they are: right for two series of one examination."""
        return cls(np.eye(3), np.zeros(3))

    def to_prior(self, points: npt.ArrayLike) -> np.ndarray:
        """Places (…, 3) in the prior study of places in the present one."""
        return np.asarray(points, float) @ self.matrix.T + self.offset

    def to_present(self, points: npt.ArrayLike) -> np.ndarray:
        """Places (…, 3) in the present study of places in the prior one."""
        return np.linalg.solve(self.matrix, (np.asarray(points, float) - self.offset)[..., None])[..., 0]


def register(present: Image, prior: Image) -> Generator[float, None, Registration]:
    """Register the lungs of two CTs of a patient, each yield being the fraction done and a point at which to stop.

    Lungs are brought over each other by their middles, then all of what lies in and round them by the mean square difference of
    values: first turned and shifted, then also scaled and sheared, since nobody breathes in alike twice. The same scans
    give the same numbers: one thread, no random samples.

    Parameters
    ----------
    present, prior
        CTs in HU (z, y, x).

    Yields
    ------
    float
        0–1.

    Raises
    ------
    NoLungFoundError
        In one of them there is no lung.
    ComparisonError
        They are no CTs, or their lungs do not come to lie over each other.
    """
    for image, which in ((present, "present"), (prior, "prior")):
        if image.ndim != 3 or image.spacing is None:
            raise ComparisonError(
                f"The {which} study is no CT volume in mm; choose two CT studies to compare."
            )
    fixed, fixed_lungs = _on_grid(present)
    yield 0.2
    moving, moving_lungs = _on_grid(prior)
    yield 0.4
    rigid = _by_middles(fixed_lungs, moving_lungs)
    rim = sitk.BinaryDilate(fixed_lungs, [round(RIM_MM / STEP_MM)] * 3)
    _refine(rigid, fixed, moving, rim, shrink=2)
    yield 0.6
    affine = sitk.AffineTransform(3)
    affine.SetCenter(rigid.GetCenter())
    affine.SetMatrix(rigid.GetMatrix())
    affine.SetTranslation(rigid.GetTranslation())
    _refine(affine, fixed, moving, rim, shrink=2)
    yield 0.75
    _refine(affine, fixed, moving, rim, shrink=1, step=0.5)
    yield 0.95
    overlap = _dice(fixed_lungs, moving_lungs, affine)
    if overlap < LEAST_OVERLAP:
        raise ComparisonError(
            f"The lungs of the two studies do not come to lie over each other (they share {overlap:.0%}): is it the same patient, "
            "and do both show the whole chest? Their slices stay linked by position."
        )
    return _as_zyx(affine, overlap)


def _on_grid(image: Image) -> tuple[sitk.Image, sitk.Image]:
    """Values and lung field on voxels of about `STEP_MM`, as SimpleITK has them (x, y, z)."""
    lungs = lung_field(image)
    step = np.maximum(image.scale, STEP_MM).tolist()
    values = resample(replace(image, voxels=np.clip(image.voxels, LOW, HIGH).astype(np.float32)), step)
    field = resample(replace(image, voxels=lungs.astype(np.float32)), step)
    return _itk(values, values.voxels), _itk(field, (field.voxels > 0.5).astype(np.uint8))


def _itk(image: Image, voxels: np.ndarray) -> sitk.Image:
    out = sitk.GetImageFromArray(voxels)
    out.SetSpacing(image.scale[::-1])
    out.SetOrigin(image.origin[::-1])
    return out


def _by_middles(fixed: sitk.Image, moving: sitk.Image) -> sitk.Euler3DTransform:
    """Shift the middle of one lung field onto that of the other."""
    start = sitk.CenteredTransformInitializer(
        sitk.Cast(fixed, sitk.sitkFloat32),
        sitk.Cast(moving, sitk.sitkFloat32),
        sitk.Euler3DTransform(),
        sitk.CenteredTransformInitializerFilter.MOMENTS,
    )
    return sitk.Euler3DTransform(start)


def _refine(
    transform: sitk.Transform,
    fixed: sitk.Image,
    moving: sitk.Image,
    where: sitk.Image,
    shrink: int,
    step: float = 2.0,
) -> None:
    """Make a transform the one that is best by mean square difference; on voxels `shrink` times as large, by steps of mm."""
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)  # sums in one order: the same numbers every time
    method.SetMetricAsMeanSquares()
    method.SetMetricFixedMask(where)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=step, minStep=0.02, numberOfIterations=_ROUNDS, gradientMagnitudeTolerance=1e-6
    )
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([shrink])
    method.SetSmoothingSigmasPerLevel([2.0 * shrink])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError as error:  # "All samples map outside moving image buffer"
        raise ComparisonError(
            "The lungs of the two studies could not be brought over each other; their slices stay linked by position."
        ) from error


def _dice(fixed: sitk.Image, moving: sitk.Image, transform: sitk.Transform) -> float:
    there = sitk.GetArrayFromImage(sitk.Resample(moving, fixed, transform, sitk.sitkNearestNeighbor)) > 0
    here = sitk.GetArrayFromImage(fixed) > 0
    return float(2 * (here & there).sum() / max(here.sum() + there.sum(), 1))


def _as_zyx(transform: sitk.Transform, overlap: float) -> Registration:
    """The affine map of a transform, in the axis order of this project."""
    zero = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(transform.TransformPoint(one)) - zero for one in np.eye(3).tolist()]
    matrix = np.stack(columns, axis=1)
    return Registration(matrix[::-1, ::-1].copy(), zero[::-1].copy(), overlap)
