"""From the readers' outlines to nodules: spheres of each reader, and what at least three of four agree on.

As LUNA16 did: readers' nodules are one where their centres are closer than the sum of their radii; position and diameter are means
over readers; what fewer than three outlined, nodules under 3 mm and marks of no nodule count neither way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.draw import polygon

from .readings import RATINGS, Outline, Reading

AGREED = 3
"""Readers that make a nodule."""
POINT_MM = 10.0
"""Diameter of what a reader marked by a point: LUNA16 takes it for excluded findings without a size."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the pixels of a series lie.

    Parameters
    ----------
    to_world
        (3, 3) columns z, y, x (mm) for a step along columns, along rows, and the first pixel's centre (its z is not used).
    z_of
        World z (mm) of an outline.
    slice_mm
        Distance of slices.
    """

    to_world: np.ndarray
    z_of: Callable[[Outline], float]
    slice_mm: float

    @property
    def pixel_mm2(self) -> float:
        """Area of a pixel."""
        return float(np.linalg.norm(np.cross(self.to_world[0], self.to_world[1])))

    def world(self, column: float, row: float, z: float) -> np.ndarray:
        """World z, y, x of a pixel (fractional) on the slice at `z`."""
        place = self.to_world[0] * column + self.to_world[1] * row + self.to_world[2]
        return np.array([z, *place[1:]])


@dataclass(frozen=True, eq=False)
class Consensus:
    """What the readers of a scan say together.

    Parameters
    ----------
    nodules, excluded
        (M, 4) and (K, 4) world spheres: z, y, x, diameter in mm.
    readers
        For each nodule (readers, 9) ratings.
    """

    nodules: np.ndarray
    excluded: np.ndarray
    readers: tuple[np.ndarray, ...]


def region(outlines: Sequence[Outline]) -> np.ndarray:
    """Compute the pixels (n, 2: column, row) that outlines of one slice enclose: without their own pixels, without holes."""
    points = np.concatenate([o.points for o in outlines])
    low = points.min(0) - 1
    mask = np.zeros((points.max(0) - low + 2)[::-1], bool)
    for inclusion in (True, False):
        for outline in (o for o in outlines if o.inclusion == inclusion):
            columns, rows = (outline.points - low).T
            inside = np.zeros_like(mask)
            inside[polygon(rows, columns, mask.shape)] = True
            inside[rows, columns] = False
            mask = mask | inside if inclusion else mask & ~inside
    return np.argwhere(mask)[:, ::-1] + low


def sphere_of(reading: Reading, grid: Grid) -> np.ndarray:
    """Compute the sphere (4,) z, y, x, diameter in mm with a reading's centroid and volume; a point is `POINT_MM` wide."""
    by_slice: dict[float, list[Outline]] = {}
    for outline in reading.outlines:
        by_slice.setdefault(grid.z_of(outline), []).append(outline)
    pixels = {z: region(outlines) for z, outlines in by_slice.items()}
    count = sum(map(len, pixels.values()))
    if not count:
        # A point, or outlines too small to hold a pixel: their own pixels.
        pixels = {z: np.concatenate([o.points for o in outlines]) for z, outlines in by_slice.items()}
    places = [
        grid.world(points[:, 0].mean(), points[:, 1].mean(), z) for z, points in pixels.items() if len(points)
    ]
    weights = [len(points) for points in pixels.values() if len(points)]
    volume = count * grid.pixel_mm2 * grid.slice_mm
    diameter = np.cbrt(6 * volume / np.pi) if count else POINT_MM
    return np.array([*np.average(places, axis=0, weights=weights), diameter])


@dataclass(frozen=True, eq=False)
class Lesion:
    """What readers outlined in one place.

    Parameters
    ----------
    sphere
        (4,) world z, y, x, diameter in mm: the mean over readers.
    best
        One reading of each reader who outlined it: where one split it in two, the nearest part.
    parts
        All readings of it.
    """

    sphere: np.ndarray
    best: tuple[Reading, ...]
    parts: tuple[Reading, ...]

    @property
    def agreed(self) -> bool:
        """Whether it is a nodule: at least `AGREED` readers outlined it."""
        return len(self.best) >= AGREED

    @property
    def ratings(self) -> np.ndarray:
        """(readers, 9) ratings of those who rated it."""
        return np.array([r.ratings for r in self.best if r.ratings is not None]).reshape(-1, len(RATINGS))


def lesions(readings: Sequence[Reading], grid: Grid) -> list[Lesion]:
    """Group the outlined nodules of a scan's readings."""
    outlined = [r for r in readings if r.is_nodule]
    spheres = np.array([sphere_of(r, grid) for r in outlined]).reshape(-1, 4)
    found = []
    for members in groups(spheres):
        best = one_of_each_reader(members, spheres, [outlined[i].reader for i in members])
        found.append(
            Lesion(
                spheres[best].mean(0), tuple(outlined[i] for i in best), tuple(outlined[i] for i in members)
            )
        )
    return found


def consensus(readings: Sequence[Reading], grid: Grid) -> Consensus:
    """Merge the readings of a scan."""
    found = lesions(readings, grid)
    nodules = [lesion for lesion in found if lesion.agreed]
    other = [sphere_of(r, grid) for r in readings if not r.is_nodule]
    other += [lesion.sphere for lesion in found if not lesion.agreed]
    return Consensus(
        np.array([lesion.sphere for lesion in nodules]).reshape(-1, 4),
        np.array(other).reshape(-1, 4),
        tuple(lesion.ratings for lesion in nodules),
    )


def groups(spheres: np.ndarray) -> list[np.ndarray]:
    """Indices of spheres whose centres are closer than the sum of their radii, directly or through others."""
    if not len(spheres):
        return []
    distance = np.linalg.norm(spheres[:, None, :3] - spheres[None, :, :3], axis=2)
    near = coo_array(distance < (spheres[:, None, 3] + spheres[None, :, 3]) / 2)
    count, label = connected_components(near, directed=False)
    return [np.flatnonzero(label == k) for k in range(count)]


def one_of_each_reader(members: np.ndarray, spheres: np.ndarray, readers: list[int]) -> list[int]:
    """Of each reader the nodule nearest to the group's middle: some split a lesion in two."""
    distance = np.linalg.norm(spheres[members, :3] - spheres[members, :3].mean(0), axis=1)
    best: dict[int, int] = {}
    for i in np.argsort(distance, kind="stable"):
        best.setdefault(readers[i], int(members[i]))
    return sorted(best.values())
