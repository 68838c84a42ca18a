"""Flat closed contours in space as voxels: each is filled in its own plane, and planes fill the space between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ....imaging.image import Image
from .rings.nesting import with_holes
from .rings.scan_lines import Rows
from .slabs import are_apart, slabs

_PARALLEL = 0.999
"""Cosine of the normals of two contours from which on they are drawn on parallel planes."""
_FLAT = 0.25
"""mm that a contour may be thick across the planes of others: of a small one the rounded points tell no normal."""
_SAME = 0.1
"""mm between contours of one plane."""
_FARTHEST = 10.0
"""mm between planes above which they are no slices of one CT."""


class Plane(NamedTuple):
    """A plane with its contours, each (n, 3) world points z, y, x."""

    height: float
    rings: list[np.ndarray]


class Stack(NamedTuple):
    """Parallel planes by their heights along a common unit normal (z, y, x)."""

    normal: np.ndarray
    planes: list[Plane]

    @property
    def heights(self) -> np.ndarray:
        """Heights of the planes in mm, rising."""
        return np.array([plane.height for plane in self.planes])

    def usual(self, alone: float) -> float:
        """The usual distance of planes in mm; `alone` where there is but one, or all lie far apart."""
        steps = np.diff(self.heights)
        step = float(np.median(steps)) if len(steps) else alone
        return step if step <= _FARTHEST else alone


def filled(contours: Iterable[np.ndarray], image: Image) -> np.ndarray:
    """Find the voxels whose centres lie inside of contours.

    Within a plane a contour wholly inside of another one is a hole, and all others are joined (`nesting.with_holes`). Between
    planes the nearest one decides, and beyond the last ones what lies within half the distance of planes. A region between all
    slices is given to the nearest one.

    Parameters
    ----------
    contours
        (n, 3) world points z, y, x each, on planes of any direction.
    image
        The volume.

    Returns
    -------
    numpy.ndarray
        Indices (m, 3), each once.
    """
    found = [_voxels(stack, image) for stack in _stacks(contours)]
    if len(found) == 1:
        return found[0]  # slabs of one stack share none
    return np.unique(np.concatenate([np.empty((0, 3), np.intp), *found]), axis=0)


def have_gaps(contours: Iterable[np.ndarray]) -> bool:
    """Whether planes of contours lie so far apart, against the others, that nothing is filled between them."""
    return any(are_apart(s.heights, s.usual(_FARTHEST)).any() for s in _stacks(contours))


def _stacks(contours: Iterable[np.ndarray]) -> Iterator[Stack]:
    """Sort contours by the direction of their planes, which the largest ones tell best."""
    shaped = [(*_shape(ring), ring) for ring in contours if len(ring) >= 3]
    groups: list[tuple[np.ndarray, list[np.ndarray]]] = []
    for size, normal, ring in sorted(shaped, key=lambda each: -each[0]):
        if size == 0:
            continue
        for common, rings in groups:
            if abs(normal @ common) > _PARALLEL or np.ptp(ring @ common) < _FLAT:
                rings.append(ring)
                break
        else:
            groups.append((normal, [ring]))
    for normal, rings in groups:
        yield Stack(normal, list(_planes(rings, normal)))


def _shape(ring: np.ndarray) -> tuple[float, np.ndarray]:
    """How large a contour is, 0 for a line, and the unit normal of the plane that fits it best."""
    _, spread, axes = np.linalg.svd(ring - ring.mean(0), full_matrices=False)
    normal = np.where(np.abs(axes[2]) < 1e-9, 0.0, axes[2])
    normal *= np.sign(normal[np.abs(normal).argmax()]) / np.linalg.norm(normal)
    return (float(spread[0] * spread[1]) / len(ring) if spread[1] > 1e-6 else 0.0), normal


def _planes(rings: list[np.ndarray], normal: np.ndarray) -> Iterator[Plane]:
    heights = np.array([(ring @ normal).mean() for ring in rings])
    order = np.argsort(heights, kind="stable")
    for same in np.split(order, np.flatnonzero(np.diff(heights[order]) > _SAME) + 1):
        yield Plane(float(heights[same].mean()), [rings[i] for i in same])


def _voxels(stack: Stack, image: Image) -> np.ndarray:
    alone = float(
        (np.abs(stack.normal) * image.scale).max()
    )  # one voxel along the axis that the normal is nearest to
    bounds = slabs(stack.heights, stack.usual(alone))
    found = [
        _between(low, high, plane, stack.normal, image)
        for plane, (low, high) in zip(stack.planes, bounds, strict=True)
    ]
    if not any(map(len, found)):
        largest = max(stack.planes, key=lambda plane: max(_shape(ring)[0] for ring in plane.rings))
        ((low, high),) = slabs(np.array([largest.height]), alone)
        found = [_between(low, high, largest, stack.normal, image)]
    return np.concatenate(found)


def _between(low: float, high: float, plane: Plane, normal: np.ndarray, image: Image) -> np.ndarray:
    """Indices (n, 3) of the voxels between two heights that lie inside of a plane's contours."""
    corners = np.concatenate(plane.rings)
    ends = [corners + (height - plane.height) * normal for height in (low, high)]
    index = image.to_index(np.concatenate(ends))
    first = np.clip(np.floor(index.min(0)), 0, image.shape).astype(int)
    last = np.clip(np.ceil(index.max(0)) + 1, 0, image.shape).astype(int)
    along = 2 - int(np.abs(normal[::-1]).argmin())  # rows of voxels that lie as flat in the plane as may be
    axes = [*np.delete(np.arange(3), along), along]
    places = [np.arange(first[axis], last[axis]) * image.scale[axis] + image.origin[axis] for axis in axes]
    if not all(map(len, places)):
        return np.empty((0, 3), np.intp)
    height = _sums(places, normal[axes])
    across = _axes(normal, along)
    start, aside = (_sums([*places[:2], places[2][:1]], unit[axes]).ravel() for unit in across.T)
    rows = Rows(start, aside, image.scale[along] * across[along, 0], len(places[2]))
    inside = np.zeros((len(start), rows.length), bool)
    for ring, holes in with_holes([ring @ across for ring in plane.rings]):
        region = rows.inside(ring)
        for hole in holes:
            region &= ~rows.inside(hole)
        inside |= region
    voxels = np.argwhere(inside.reshape(height.shape) & (height >= low) & (height < high))
    return voxels[:, np.argsort(axes)] + first


def _sums(places: list[np.ndarray], unit: np.ndarray) -> np.ndarray:
    """Places along a unit vector of the points of a lattice."""
    a, b, c = np.ix_(*(each * part for each, part in zip(places, unit, strict=True)))
    return a + b + c


def _axes(normal: np.ndarray, along: int) -> np.ndarray:
    """Two unit vectors (3, 2) across a normal, the first one as near to an axis of the image as may be."""
    first = np.eye(3)[along]
    first = first - first @ normal * normal
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first)], axis=1)
