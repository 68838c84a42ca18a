"""Segment one nodule in a CT from the sphere that marks it, in the steps of Kuhnigk et al. 2006 (doi 10.1109/TMI.2005.862753).

Everything is done in a box around the sphere, interpolated linearly to voxels of about half a millimetre, so that each slice of the
CT is a slice of the box.

1. The edge lies half-way between the nodule and the lung around it, whatever the density of either: a part-solid and a
   ground-glass nodule have an edge of their own.
2. Chest wall and pleura are cut off by the convex hull of the lung's air around the nodule: a nodule bulges into the lung, the
   wall does not.
3. Vessels are cut off by an opening with a ball (erosion and growth in exact distances) a third as wide as the nodule's
   inscribed ball and at most 4 mm wide; what is wider is divided at its neck by a watershed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import LungmtlError
from ...imaging.image import Image

FINEST, MOST_VOXELS = 0.4, 90
"""Millimetres of the finest grid, and voxels along a side of the box at most."""
REACH, ROOM = 0.75, 3.0
"""How far from its middle a nodule may reach: this part of the marked diameter, and millimetres."""
SHELL = 4.0
"""Millimetres beyond that in which the lung's density is read."""
DENSEST = 100.0
"""HU: calcium inside does not move the edge of soft tissue."""
LEAST_CONTRAST = 100.0
"""HU between nodule and lung, below which no edge is drawn."""
AIR = -500.0
"""HU that air in the lung lies below."""
_HULL, _CHUNK = 24, 20_000
"""Points along a side of the box that the hull is made of, and voxels that are compared with it at a time."""
OPENING, VESSEL = 0.35, 2.0
"""Radius of what the opening cuts off: this part of the nodule's inscribed ball, and millimetres at most. Half and 3 mm cut
lobes off irregular nodules (LIDC)."""


class NoEdgeError(LungmtlError):
    """A nodule's edge cannot be told from what lies around it; the message says why and what to do."""


@dataclass(frozen=True)
class Segment:
    """A nodule in a box of fine voxels.

    Parameters
    ----------
    mask, values
        Which voxels are the nodule, and Hounsfield units (z, y, x).
    edge, lung
        HU at the edge, and of the lung around it.
    origin, spacing
        World position (mm) of the first voxel, and distance of the voxels.
    refinement
        Fine voxels for one of the CT, along each axis: every so many lies one of its slices.
    wall, vessel
        Part of the surface (0–1) where chest wall or pleura, and where vessels were cut off.
    cut
        Tissue that was cut off (z, y, x).
    is_whole
        Whether it ends before the end of the CT and before what the search is limited to.
    """

    mask: np.ndarray
    values: np.ndarray
    edge: float
    lung: float
    origin: np.ndarray
    spacing: np.ndarray
    refinement: tuple[int, ...]
    wall: float
    vessel: float
    cut: np.ndarray
    is_whole: bool

    @property
    def volume(self) -> float:
        """In mm³."""
        return float(self.mask.sum() * self.spacing.prod())


def segment(image: Image, center: Sequence[float], diameter: float) -> Segment:
    """Segment the nodule that a sphere marks.

    Parameters
    ----------
    image
        CT in Hounsfield units (z, y, x) with a spacing.
    center, diameter
        Of the sphere, in world mm. It may lie a third of its diameter beside the middle, and be half or twice as large.

    Raises
    ------
    NoEdgeError
        There is no tissue in the sphere, no lung around it, or too little contrast.
    """
    if image.ndim != 3 or image.spacing is None:
        raise NoEdgeError("Only nodules in a CT have an edge that can be followed: measure by hand.")
    limit = REACH * diameter + ROOM
    values, origin, spacing, refinement, at_end = _box(image, np.asarray(center, float), limit + SHELL)
    away = _distance(values.shape, origin, spacing, center)
    edge, lung = _edge(values, away, diameter / 2, limit)
    tissue = values > edge
    reach = away <= limit
    hull = reach & _lung_hull(~tissue & reach, tissue & reach, spacing)
    mask = _core(tissue & hull, tissue & ~hull, away, diameter / 2, spacing)
    around = _grown(mask) & ~mask
    surface = max(int(around.sum()), 1)
    touching = around & tissue
    return Segment(
        *(mask, values, edge, lung, origin, spacing, refinement),
        wall=float((touching & ~hull).sum() / surface),
        vessel=float((touching & hull).sum() / surface),
        cut=tissue & ~mask,
        is_whole=not (mask & at_end).any() and not (mask & (away > limit - spacing.max())).any(),
    )


def _box(
    image: Image, center: np.ndarray, half: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[int, ...], np.ndarray]:
    """Fine values (z, y, x) around a point, with origin, spacing, refinement, and which voxels are the last of the CT."""
    from scipy.ndimage import zoom

    scale = np.asarray(image.scale)
    low = np.floor((center - half - image.origin) / scale).astype(int)
    high = np.ceil((center + half - image.origin) / scale).astype(int) + 1
    low, high = np.maximum(low, 0), np.minimum(high, image.shape)
    if (high - low < 2).any():
        raise NoEdgeError("The nodule lies outside of the CT, or the CT has a single slice: measure by hand.")
    part = image.voxels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    target = max(FINEST, 2 * half / MOST_VOXELS)
    refinement = tuple(max(1, round(s / target)) for s in scale)
    shape = [(n - 1) * k + 1 for n, k in zip(part.shape, refinement, strict=True)]
    fine = zoom(part, np.divide(shape, part.shape), order=1)
    at_end = np.zeros(fine.shape, bool)
    for axis in range(3):
        ends = np.moveaxis(at_end, axis, 0)
        ends[0] |= low[axis] == 0
        ends[-1] |= high[axis] == image.shape[axis]
    return fine, image.to_world(low), scale / refinement, refinement, at_end


def _distance(
    shape: Sequence[int], origin: np.ndarray, spacing: np.ndarray, center: Sequence[float]
) -> np.ndarray:
    """Distance (mm) of each voxel to a point."""
    steps = [
        (np.arange(n) * s + o - c) ** 2 for n, s, o, c in zip(shape, spacing, origin, center, strict=True)
    ]
    return np.sqrt(steps[0][:, None, None] + steps[1][:, None] + steps[2]).astype(np.float32)


def _edge(values: np.ndarray, away: np.ndarray, radius: float, limit: float) -> tuple[float, float]:
    """HU of the edge and of the lung around."""
    inside = values[away <= max(0.6 * radius, away.min())]
    nodule = min(float(np.median(inside)), DENSEST)
    around = values[away > limit]
    air = around[around < AIR]
    if air.size < 0.02 * around.size or not air.size:
        raise NoEdgeError(
            "There is no aerated lung around this finding to tell its edge from: measure it by hand."
        )
    lung = float(np.median(air))
    if nodule - lung < LEAST_CONTRAST:
        raise NoEdgeError(
            f"Inside the sphere are {nodule:.0f} HU and around it {lung:.0f} HU, too alike for an edge: move the sphere onto the "
            "nodule, or measure it by hand."
        )
    return (nodule + lung) / 2, lung


def _lung_hull(air: np.ndarray, tissue: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Which tissue lies inside the convex hull of the largest piece of air."""
    import cc3d
    from scipy.spatial import ConvexHull, QhullError

    step = max(
        2, round(min(air.shape) / _HULL)
    )  # a hull needs no more points, and Qhull's time grows with them
    largest = cc3d.largest_k(air[::step, ::step, ::step], k=1, connectivity=6).astype(bool)
    try:
        planes = ConvexHull(np.argwhere(largest) * spacing * step).equations.astype(np.float32)
    except (QhullError, ValueError):
        return np.ones(air.shape, bool)
    places = np.argwhere(tissue)
    inside = np.empty(len(places), bool)
    for start in range(0, len(places), _CHUNK):
        part = places[start : start + _CHUNK].astype(np.float32) * spacing.astype(np.float32)
        inside[start : start + _CHUNK] = (part @ planes[:, :3].T + planes[:, 3]).max(axis=1) <= spacing.max()
    hull = ~tissue
    hull[tuple(places.T)] = inside
    return hull


def _core(
    tissue: np.ndarray, wall: np.ndarray, away: np.ndarray, radius: float, spacing: np.ndarray
) -> np.ndarray:
    """The nodule alone, of tissue in the lung: vessels opened away, wider neighbours divided from it at their neck."""
    import cc3d
    import edt
    import fill_voids

    depth = edt.edt(tissue | wall, anisotropy=tuple(spacing), parallel=1)
    depth[wall] = 0
    near = np.where((away <= max(0.75 * radius, 2.0)) & tissue, depth, 0)
    seed = np.unravel_index(int(near.argmax()), near.shape)
    if not near[seed] > 0:
        raise NoEdgeError(
            "The sphere holds no tissue that is denser than half-way to the lung: move it onto the nodule."
        )
    width = min(OPENING * float(near[seed]), VESSEL)
    eroded = depth > width
    parts = cc3d.connected_components(_divided(eroded, depth, seed, away, radius), connectivity=6)
    core = parts == parts[seed]
    others = eroded & ~core
    grown = _distance_to(core, spacing)
    mask = tissue & (
        grown <= width + spacing.max()
    )  # a voxel more: what erosion takes off a sphere of voxels
    if others.any():
        mask &= grown <= _distance_to(others, spacing)
    parts = cc3d.connected_components(mask, connectivity=6)
    return fill_voids.fill(parts == parts[seed]).astype(bool)


def _divided(
    eroded: np.ndarray, depth: np.ndarray, seed: tuple, away: np.ndarray, radius: float
) -> np.ndarray:
    """What is left of the eroded tissue when its deep places are told apart at their necks: the part with the seed."""
    from skimage.feature import peak_local_max
    from skimage.segmentation import watershed

    smooth = depth * eroded
    peaks = peak_local_max(
        smooth, min_distance=3, threshold_abs=0.5 * float(depth[seed]), exclude_border=False
    )
    outside = [tuple(p) for p in peaks if away[tuple(p)] > 1.25 * radius]
    if not outside:
        return eroded
    markers = np.zeros(depth.shape, np.int32)
    for number, place in enumerate(outside, 2):
        markers[place] = number
    markers[seed] = 1
    return watershed(-smooth, markers, mask=eroded) == 1


def _distance_to(mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Distance (mm) of each voxel to a mask; 0 inside."""
    import edt

    return edt.edt(~mask, anisotropy=tuple(spacing), parallel=1)


def _grown(mask: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask)
