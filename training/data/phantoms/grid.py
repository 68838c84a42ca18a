"""The sampling grid of a phantom, and drawing onto it: smooth fields from a coarse grid, tubes from balls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grid:
    """Voxel centres at ``start + index * spacing`` (z, y, x), in mm of the anatomical frame."""

    start: tuple[float, float, float]
    spacing: tuple[float, float, float]
    shape: tuple[int, int, int]

    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coordinates along z, y and x, shaped to broadcast."""
        z, y, x = (s + d * np.arange(n) for s, d, n in zip(self.start, self.spacing, self.shape, strict=True))
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def coarse(self, step: float) -> Grid:
        """A grid of `step` mm that covers this one, on multiples of `step` so that fields do not depend on the cut."""
        low = [np.floor(s / step) * step for s in self.start]
        high = [s + d * (n - 1) for s, d, n in zip(self.start, self.spacing, self.shape, strict=True)]
        count = [int(np.ceil((h - lo) / step)) + 2 for lo, h in zip(low, high, strict=True)]
        return Grid((low[0], low[1], low[2]), (step,) * 3, (count[0], count[1], count[2]))

    def refined(self, factors: tuple[int, int, int]) -> Grid:
        """Each voxel cut into `factors` parts."""
        fine = tuple(d / f for d, f in zip(self.spacing, factors, strict=True))
        start = tuple(s - d / 2 + h / 2 for s, d, h in zip(self.start, self.spacing, fine, strict=True))
        shape = tuple(n * f for n, f in zip(self.shape, factors, strict=True))
        return Grid(start, fine, shape)  # type: ignore[arg-type]

    def index(self, points: np.ndarray) -> np.ndarray:
        """Fractional indices of points (…, 3)."""
        return (np.asarray(points, float) - np.asarray(self.start)) / np.asarray(self.spacing)


def _weights(source: Grid, target: Grid, axis: int) -> np.ndarray:
    """Linear interpolation along one axis as a matrix (n_target, n_source)."""
    position = target.start[axis] + target.spacing[axis] * np.arange(target.shape[axis])
    position = (position - source.start[axis]) / source.spacing[axis]
    low = np.clip(np.floor(position).astype(int), 0, source.shape[axis] - 2)
    fraction = np.clip(position - low, 0, 1)
    matrix = np.zeros((target.shape[axis], source.shape[axis]), np.float32)
    rows = np.arange(target.shape[axis])
    matrix[rows, low] = 1 - fraction
    matrix[rows, low + 1] += fraction
    return matrix


def upsample(values: np.ndarray, source: Grid, target: Grid) -> np.ndarray:
    """Trilinear interpolation of `values` on `source` to `target`; float32.

    Three matrix products: an order of magnitude faster than a general resampler, and exact for aligned grids.
    """
    wz, wy, wx = (_weights(source, target, axis) for axis in range(3))
    out = np.asarray(values, np.float32) @ wx.T
    out = np.matmul(wy, out)
    return (wz @ out.reshape(out.shape[0], -1)).reshape(target.shape)


def coverage(distance: np.ndarray, width: float) -> np.ndarray:
    """Fraction of a voxel inside a surface, from the signed distance (mm, positive inside) over `width` mm."""
    out = distance * np.float32(1 / width)
    out += np.float32(0.5)
    return np.clip(out, 0, 1, out=out)


def stamp(volume: np.ndarray, grid: Grid, points: np.ndarray, radii: np.ndarray) -> None:
    """Draw balls into `volume` (fractions 0–1, float32) by maximum; a tube is a chain of balls.

    A tube thinner than a voxel keeps its width at one voxel and its strength in proportion to its cross section, so
    that its partial-volume contrast is right after blurring.

    Parameters
    ----------
    volume
        Contiguous float32 array of ``grid.shape``, changed in place.
    points, radii
        (n, 3) in mm of the anatomical frame and (n,) in mm.
    """
    spacing = np.asarray(grid.spacing, np.float32)
    voxel = float(spacing.mean())
    floor = 0.5642 * voxel  # the disc with a voxel's area
    strength = np.minimum(1.0, (radii / floor) ** 2).astype(np.float32)
    radius = np.maximum(radii, floor).astype(np.float32)
    index = grid.index(points)
    reach = np.ceil((radius[:, None] + 0.5 * voxel) / spacing).astype(int)
    inside = np.all((index > -reach - 1) & (index < np.asarray(grid.shape) + reach), axis=1)
    index, strength, radius, reach = index[inside], strength[inside], radius[inside], reach[inside]
    flat = volume.reshape(-1)
    for group in np.unique(reach, axis=0):
        members = np.flatnonzero(np.all(reach == group, axis=1))
        # Chunks that stay in the processor's cache.
        step = max(1, 100_000 // int(np.prod(2 * group + 1)))
        for i in range(0, len(members), step):
            chunk = members[i : i + step]
            _stamp_alike(flat, grid, index[chunk], radius[chunk], strength[chunk], group, voxel)


def _stamp_alike(
    flat: np.ndarray,
    grid: Grid,
    index: np.ndarray,
    radius: np.ndarray,
    strength: np.ndarray,
    reach: np.ndarray,
    voxel: float,
) -> None:
    """Draw balls that reach over the same number of voxels."""
    squares, places = [], []
    stride = (grid.shape[1] * grid.shape[2], grid.shape[2], 1)
    for axis in range(3):
        at = np.rint(index[:, axis]).astype(np.int64)[:, None] + np.arange(-reach[axis], reach[axis] + 1)
        square = (((at - index[:, axis : axis + 1]) * grid.spacing[axis]) ** 2).astype(np.float32)
        square[(at < 0) | (at >= grid.shape[axis])] = np.inf
        squares.append(square)
        places.append(at * stride[axis])
    z, y, x = (square[(slice(None), *view)] for square, view in zip(squares, _VIEWS, strict=True))
    square = z + y + x
    ball, iz, iy, ix = np.nonzero(square < ((radius + 0.5 * voxel) ** 2)[:, None, None, None])
    distance = np.sqrt(square[ball, iz, iy, ix])
    value = np.minimum((radius[ball] - distance) / np.float32(voxel) + np.float32(0.5), 1) * strength[ball]
    np.maximum.at(
        flat, places[0][ball, iz] + places[1][ball, iy] + places[2][ball, ix], value.astype(np.float32)
    )


_VIEWS = ((slice(None), None, None), (None, slice(None), None), (None, None, slice(None)))
