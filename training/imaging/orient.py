"""Bring any volume to LPS+ axes: flips and transpositions where they suffice, resampling where they do not."""

from __future__ import annotations

import numpy as np

from .errors import BadGeometryError
from .values import NOWHERE

_TOLERANCE = 0.1  # of a voxel: farther than that no voxel may be misplaced without resampling
_HAS_AIR = -900  # a volume with lower values is a CT


def to_lps(
    voxels: np.ndarray, steps: np.ndarray, origin: np.ndarray, name: str, *, labels: bool = False
) -> tuple[np.ndarray, tuple[float, ...], tuple[float, ...], str]:
    """Reorder, flip or resample a volume so that its axes run along +z, +y, +x.

    Parameters
    ----------
    voxels
        (i, j, k), axes in any direction.
    steps
        (3, 3): row ``a`` is the world vector (z, y, x), in mm, from a voxel to its neighbour along array axis ``a``.
    origin
        World position (z, y, x) of voxel [0, 0, 0].
    name
        What to call the image in a message.
    labels
        Whether its values are numbers of things, between which nothing lies: the nearest voxel's is taken then.

    Returns
    -------
    voxels, spacing, origin, kind
        Volume (z, y, x), contiguous; `kind` is ``""``, ``"oblique"`` or ``"sheared"``: why it was resampled.
    """
    steps, origin = np.asarray(steps, float), np.asarray(origin, float)
    lengths = np.linalg.norm(steps, axis=1)
    if (
        not np.all(np.isfinite(steps))
        or np.any(lengths == 0)
        or abs(np.linalg.det(steps / lengths[:, None])) < 1e-3
    ):
        raise BadGeometryError(
            f"{name} gives its voxels no usable size or direction (steps {np.round(steps, 4).tolist()} mm); "
            "correct the spacing and direction in its header."
        )
    # The assignment of array axes to world axes that follows the directions best.
    axes = _best_order(np.abs(steps / lengths[:, None]))
    straight = np.zeros_like(steps)
    for array_axis, world_axis in enumerate(axes):
        straight[array_axis, world_axis] = np.copysign(lengths[array_axis], steps[array_axis, world_axis])
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in voxels.shape])).reshape(3, -1).T
    misplaced = np.abs(corners @ (steps - straight)).max()
    if misplaced > _TOLERANCE * lengths.min():
        cosines = np.abs((steps / lengths[:, None]) @ (steps / lengths[:, None]).T - np.eye(3))
        kind = "sheared" if cosines.max() > 1e-3 else "oblique"
        if kind == "sheared":  # the planes stay where they are, at their distance from each other
            lengths = np.maximum(np.abs(steps[range(3), axes]), lengths / 2)
        return (*_resampled(voxels, steps, origin, axes, lengths, labels), kind)
    view, spacing, place = turned(voxels, straight, origin, axes)
    return np.ascontiguousarray(view), spacing, place, ""


def turned(
    voxels: np.ndarray, straight: np.ndarray, origin: np.ndarray, axes: tuple[int, ...]
) -> tuple[np.ndarray, tuple[float, ...], tuple[float, ...]]:
    """Reorder and flip a volume whose axes run along those of the world, without a copy.

    Parameters
    ----------
    voxels
        (i, j, k).
    straight
        (3, 3): as `to_lps`'s `steps`, with one number that is not zero in each row.
    origin
        World position (z, y, x) of voxel [0, 0, 0].
    axes
        The world axis of each array axis.

    Returns
    -------
    voxels, spacing, origin
        A view (z, y, x) of the same memory, and its place in mm.
    """
    order = np.argsort(axes)
    voxels, straight = voxels.transpose(order), straight[order]
    for axis in range(3):
        if straight[axis, axis] < 0:
            origin = origin + straight[axis] * (voxels.shape[axis] - 1)
            voxels = np.flip(voxels, axis)
    return voxels, tuple(np.abs(np.diag(straight))), tuple(origin)


def _beside(voxels: np.ndarray, labels: bool) -> float:
    """The value of what lies beside a volume that is resampled."""
    lowest = float(voxels.min())
    return min(lowest, NOWHERE) if not labels and lowest < _HAS_AIR else lowest


def _best_order(cosines: np.ndarray) -> tuple[int, int, int]:
    from itertools import permutations

    return max(permutations(range(3)), key=lambda p: sum(cosines[a, w] for a, w in enumerate(p)))  # type: ignore[return-value]


def _resampled(
    voxels: np.ndarray,
    steps: np.ndarray,
    origin: np.ndarray,
    axes: tuple[int, int, int],
    lengths: np.ndarray,
    labels: bool,
) -> tuple[np.ndarray, tuple[float, ...], tuple[float, ...]]:
    """Interpolate linearly (labels: nearest) onto the straight grid that holds the whole volume.

    Beside it a CT is `NOWHERE`, which is no air: what air lies in a lung that the scan cuts must not go on there. Anything else
    has its lowest value.
    """
    import SimpleITK as sitk

    corners = np.array(np.meshgrid(*[(0, n - 1) for n in voxels.shape])).reshape(3, -1).T @ steps + origin
    spacing = lengths[np.argsort(axes)]
    low = corners.min(axis=0)
    shape = np.ceil((corners.max(axis=0) - low) / spacing - 1e-6).astype(int) + 1
    # The input stays in index space (ITK knows no shear); the transform takes world points (x, y, z) to indices.
    to_index = np.linalg.inv(steps.T)[::-1, ::-1]
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(to_index.ravel())
    transform.SetTranslation(-(to_index @ origin[::-1]))
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(n) for n in shape[::-1]])
    resampler.SetOutputSpacing(spacing[::-1].tolist())
    resampler.SetOutputOrigin(low[::-1].tolist())
    resampler.SetTransform(transform)
    resampler.SetInterpolator(sitk.sitkNearestNeighbor if labels else sitk.sitkLinear)
    resampler.SetDefaultPixelValue(_beside(voxels, labels))
    out = sitk.GetArrayFromImage(resampler.Execute(sitk.GetImageFromArray(voxels)))
    return out, tuple(spacing), tuple(low)
