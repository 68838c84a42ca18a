"""Findings as voxels of the slices that they were found on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np

from ....geometry import Box, Geometry, Mask, Sphere
from ...coco import on_image
from .source import Plane, Source


class Patch(NamedTuple):
    """A part of a frame: its first row and column, and which of its pixels belong to the region (r, c)."""

    row: int
    column: int
    inside: np.ndarray

    def of(self, frame: np.ndarray) -> np.ndarray:
        """The part of a frame (rows, columns) that it covers, as a view."""
        rows, columns = self.inside.shape
        return frame[self.row : self.row + rows, self.column : self.column + columns]


Patches = Mapping[int, Patch]
"""By the number of the frame, from 0."""


def patches_of(geometry: Geometry, source: Source) -> Patches:
    """Rasterise a sphere or a mask on the frames of a series: a pixel belongs to it if its centre does.

    A sphere between all pixel centres takes the nearest one, so that it is not lost. A mask on another lattice gives each pixel
    the value of its nearest voxel. Boxes have no region; nothing lies outside of the frames.

    Parameters
    ----------
    geometry
        In world coordinates.
    source
        The series.
    """
    if isinstance(geometry, Box):
        return {}
    if source.is_radiograph:
        return _planar(geometry, source)
    if isinstance(geometry, Sphere):
        return _of_sphere(geometry, source)
    if len(geometry.shape) != 3:
        return {}
    found, array = {}, geometry.to_array()
    for frame, plane in enumerate(source.planes):
        patch = None if plane is None else _mask_patch(geometry, array, plane)
        if patch is not None:
            found[frame] = patch
    return found


def gaps(source: Source) -> list[tuple[int, int]]:
    """Frames that lie next to each other over 1.5 times as far apart as usual: slices may be missing between them."""
    by_height, steps = _steps(source)
    if len(steps) < 2:
        return []
    return [(by_height[i], by_height[i + 1]) for i in np.flatnonzero(steps > 1.5 * np.median(steps))]


def usual_distance(source: Source) -> float | None:
    """The median distance of neighbouring slices in mm, or None where there is but one."""
    _, steps = _steps(source)
    return float(np.median(steps)) if len(steps) else None


def _steps(source: Source) -> tuple[list[int], np.ndarray]:
    """Frames by their height, and the distances of neighbours in mm."""
    planes = {frame: plane for frame, plane in enumerate(source.planes) if plane is not None}
    if not planes:
        return [], np.empty(0)
    some = next(iter(planes.values()))
    normal = np.cross(some.row, some.column)
    by_height = sorted(planes, key=lambda frame: float(planes[frame].position @ normal))
    return by_height, np.diff([float(planes[frame].position @ normal) for frame in by_height])


def _planar(geometry: Geometry, source: Source) -> Patches:
    if not isinstance(geometry, Mask) or len(geometry.shape) != 2:
        return {}
    inside = on_image(geometry, source.image)
    return {0: Patch(0, 0, inside)} if inside.any() else {}


def _of_sphere(sphere: Sphere, source: Source) -> Patches:
    found = {}
    for frame, plane in enumerate(source.planes):
        patch = None if plane is None else _sphere_patch(sphere, plane)
        if patch is not None:
            found[frame] = patch
    if found:
        return found
    nearest = source.nearest(sphere.center)
    plane = source.planes[nearest]
    assert plane is not None
    row, column, height = plane.to_pixels(np.asarray(sphere.center)[::-1])
    r, c = round(row), round(column)
    if not (0 <= r < plane.shape[0] and 0 <= c < plane.shape[1]) or abs(height) > _thickness(source):
        return {}
    return {nearest: Patch(r, c, np.ones((1, 1), bool))}


def _thickness(source: Source) -> float:
    """The largest distance of neighbouring slices in mm: farther away nothing is on them."""
    planes = [plane for plane in source.planes if plane is not None]
    heights = sorted(float(planes[0].to_pixels(p.position)[2]) for p in planes)
    return max(np.diff(heights), default=float(source.image.spacing[0] if source.image.spacing else 1.0))


def _sphere_patch(sphere: Sphere, plane: Plane) -> Patch | None:
    row, column, height = plane.to_pixels(np.asarray(sphere.center)[::-1])
    left = (sphere.diameter / 2) ** 2 - height**2
    if left < 0:
        return None
    radius = np.sqrt(left) / np.asarray(plane.spacing)
    low = np.maximum(np.ceil((row, column) - radius), 0).astype(int)
    high = np.minimum(np.floor((row, column) + radius) + 1, plane.shape).astype(int)
    if (high <= low).any():
        return None
    rows, columns = np.ogrid[low[0] : high[0], low[1] : high[1]]
    far = ((rows - row) * plane.spacing[0]) ** 2 + ((columns - column) * plane.spacing[1]) ** 2
    return _trimmed(int(low[0]), int(low[1]), far <= left)


def _mask_patch(mask: Mask, array: np.ndarray, plane: Plane) -> Patch | None:
    origin, spacing = np.asarray(mask.origin), np.asarray(mask.spacing)
    ends = [(o - s / 2, o + s * (n - 0.5)) for o, s, n in zip(origin, spacing, mask.shape, strict=True)]
    corners = plane.to_pixels(np.array(list(product(*ends)))[:, ::-1])
    if corners[:, 2].min() > 0 or corners[:, 2].max() < 0:
        return None
    low = np.maximum(np.floor(corners[:, :2].min(0)), 0).astype(int)
    high = np.minimum(np.ceil(corners[:, :2].max(0)) + 1, plane.shape).astype(int)
    if (high <= low).any():
        return None
    zyx = plane.to_xyz(np.arange(low[0], high[0]), np.arange(low[1], high[1]))[..., ::-1]
    index = np.rint((zyx - origin) / spacing).astype(int)
    valid = ((index >= 0) & (index < mask.shape)).all(-1)
    inside = np.zeros(valid.shape, bool)
    inside[valid] = array[tuple(index[valid].T)]
    return _trimmed(int(low[0]), int(low[1]), inside)


def _trimmed(row: int, column: int, inside: np.ndarray) -> Patch | None:
    return Patch(row, column, inside) if inside.any() else None


def label_array(
    regions: Iterable[Patches], frames: Mapping[int, int], shape: tuple[int, int]
) -> np.ndarray | None:
    """Number the regions from 1 in one array (frames, rows, columns), or None where two of them overlap.

    Parameters
    ----------
    regions
        In the order of their numbers.
    frames
        Which place in the array each frame has.
    shape
        Rows and columns.
    """
    regions = list(regions)
    labels = np.zeros((len(frames), *shape), np.uint8 if len(regions) < 256 else np.uint16)
    for number, patches in enumerate(regions, 1):
        for frame, patch in patches.items():
            part = patch.of(labels[frames[frame]])
            if part[patch.inside].any():
                return None
            part[patch.inside] = number
    return labels


def stacked_array(
    regions: Iterable[Patches], frames: Mapping[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """Each region in an array of its own: uint8 (frames, rows, columns, regions)."""
    regions = list(regions)
    array = np.zeros((len(frames), *shape, len(regions)), np.uint8)
    for number, patches in enumerate(regions):
        for frame, patch in patches.items():
            patch.of(array[frames[frame], :, :, number])[patch.inside] = 1
    return array
