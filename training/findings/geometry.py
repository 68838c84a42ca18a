"""Where findings are: spheres in space, boxes on radiographs, masks on either."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Sphere:
    """A ball in world space.

    Parameters
    ----------
    center
        (z, y, x) in mm, LPS.
    diameter
        In mm.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> lm.Sphere(center=(-190.5, 12.0, 60.0), diameter=8).diameter
    8.0
    """

    center: tuple[float, float, float]
    diameter: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", tuple(float(c) for c in self.center))
        object.__setattr__(self, "diameter", float(self.diameter))
        if len(self.center) != 3 or not np.all(np.isfinite(self.center)):
            raise ValueError(f"a sphere's centre is three finite numbers, not {self.center}")
        if not (np.isfinite(self.diameter) and self.diameter > 0):
            raise ValueError(f"a sphere's diameter is positive, not {self.diameter}")


@dataclass(frozen=True)
class Box:
    """An upright rectangle on a radiograph: low and high corner (y, x), in mm (pixels where spacing is unknown).

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> lm.Box(low=(10, 20), high=(30, 60)).center
    (20.0, 40.0)
    """

    low: tuple[float, float]
    high: tuple[float, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", tuple(float(c) for c in self.low))
        object.__setattr__(self, "high", tuple(float(c) for c in self.high))
        if (
            len(self.low) != 2
            or len(self.high) != 2
            or not all(a < b for a, b in zip(self.low, self.high, strict=True))
        ):
            raise ValueError(f"a box has low < high in both axes, not {self.low} to {self.high}")

    @property
    def center(self) -> tuple[float, float]:
        """The middle (y, x)."""
        return (self.low[0] + self.high[0]) / 2, (self.low[1] + self.high[1]) / 2

    @property
    def diameter(self) -> float:
        """The longer side."""
        return max(self.high[0] - self.low[0], self.high[1] - self.low[1])


@dataclass(frozen=True)
class Mask:
    """A region as run lengths over the flattened (C order) grid of `shape` placed at `origin` with `spacing`.

    `runs` are start, length pairs; the region's bounding grid is kept, not the whole image.

    Examples
    --------
    >>> import napari_lungmtl as lm
    >>> import numpy as np
    >>> mask = lm.Mask.from_array(np.array([[0, 1], [0, 1]], bool), spacing=(2.0, 2.0), origin=(0.0, 0.0))
    >>> mask.center, mask.runs
    ((1.0, 2.0), ((1, 1), (3, 1)))
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    runs: tuple[tuple[int, int], ...]

    @classmethod
    def from_array(cls, mask: np.ndarray, spacing: tuple[float, ...], origin: tuple[float, ...]) -> Mask:
        """Encode a boolean array whose voxel [0, 0, …] has its centre at `origin`."""
        flat = np.concatenate([[0], np.asarray(mask, bool).ravel().view(np.int8), [0]])
        edges = np.flatnonzero(np.diff(flat))
        runs = tuple((int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True))
        return cls(tuple(mask.shape), tuple(map(float, spacing)), tuple(map(float, origin)), runs)

    @classmethod
    def from_voxels(cls, index: np.ndarray, spacing: tuple[float, ...], origin: tuple[float, ...]) -> Mask:
        """Encode voxels by their indices (n, axes), n > 0, on a lattice whose voxel [0, 0, …] has its centre at `origin`."""
        low = index.min(0)
        inside = np.zeros(index.max(0) - low + 1, bool)
        inside[tuple((index - low).T)] = True
        return cls.from_array(inside, spacing, tuple(np.asarray(origin) + low * np.asarray(spacing)))

    def to_array(self) -> np.ndarray:
        """The boolean array of `shape`."""
        flat = np.zeros(int(np.prod(self.shape)), bool)
        for start, length in self.runs:
            flat[start : start + length] = True
        return flat.reshape(self.shape)

    @cached_property
    def box(self) -> Box:
        """The upright rectangle around a planar region, through the outer edges of its pixels.

        Raises
        ------
        ValueError
            The region is empty or has three axes.
        """
        pixels = np.argwhere(self.to_array())
        if len(self.shape) != 2 or not len(pixels):
            raise ValueError("only a planar region that is not empty has a box")
        low, high = (
            np.asarray(self.origin) + edge * np.asarray(self.spacing)
            for edge in (pixels.min(0) - 0.5, pixels.max(0) + 0.5)
        )
        return Box((low[0], low[1]), (high[0], high[1]))

    @property
    def extent(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Low and high world corner of the region's bounding grid, through the outer edges of its voxels."""
        low = tuple(o - s / 2 for o, s in zip(self.origin, self.spacing, strict=True))
        return low, tuple(a + n * s for a, n, s in zip(low, self.shape, self.spacing, strict=True))

    @cached_property
    def center(self) -> tuple[float, ...]:
        """World position of the centre of mass."""
        points = np.argwhere(self.to_array()) * np.asarray(self.spacing) + np.asarray(self.origin)
        return tuple(float(c) for c in points.mean(axis=0))

    @cached_property
    def diameter(self) -> float:
        """Diameter of the ball (or disc) of equal volume (or area)."""
        size = sum(length for _, length in self.runs) * float(np.prod(self.spacing))
        return float(
            2 * (3 * size / (4 * np.pi)) ** (1 / 3) if len(self.shape) == 3 else 2 * (size / np.pi) ** 0.5
        )


Geometry = Sphere | Box | Mask
