"""One lesion, one mark: marks that lie in or on the same lesion as a higher one are joined to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from .detect import Detections

TISSUE_HU = -400.0
"""From here on a voxel is solid; half-way between lung and soft tissue, so that a blurred rim counts half."""
NECK_MM = 3.0
"""What joins two marks is at least twice as thick; vessels of the lung's periphery are thinner."""
RIM_MM = 2.0
"""A centre this far outside a sphere still lies on it: spiculations and lobes are marked there."""
GAP_MM = 4.0
"""Spheres this far from touching may still be parts of one lesion."""
SURE = 0.5
"""A member widens the sphere only with this fraction of the highest score: a faint mark beside a nodule makes it no mass."""
LARGEST_MM = 60.0
"""No joined sphere is larger; two masses in one lobe stay two findings."""


def join_marks(found: Detections, hu: np.ndarray) -> Detections:
    """Join the marks of one lesion: what touches a higher mark and is connected to it through solid tissue.

    Parameters
    ----------
    found
        Spheres in voxels of `hu`, by descending score.
    hu
        (z, y, x) in Hounsfield units at 1 mm.

    Returns
    -------
    Detections
        One for each lesion, with the scores of its highest mark; `members` hold all that were joined. Where several are
        nearly as sure, its sphere has the centre and the volume of the solid tissue within them.
    """
    spheres = found.spheres
    if len(found) < 2:
        return replace(found, members=tuple(s[None] for s in spheres))
    tree = cKDTree(spheres[:, :3])
    reach = spheres[:, 3].max()
    lesions: list[list[int]] = []
    taken = np.zeros(len(found), bool)
    for first in range(len(found)):
        if taken[first]:
            continue
        members = _grow(first, spheres, hu, tree, reach, taken)
        taken[members] = True
        lesions.append(members)
    lead = np.array([members[0] for members in lesions])
    joined = found[lead]
    whole = np.stack([tissue_sphere(spheres[_sure(found.score, members)], hu) for members in lesions])
    return replace(joined, spheres=whole, members=tuple(spheres[members] for members in lesions))


def _sure(score: np.ndarray, members: list[int]) -> list[int]:
    return [m for m in members if score[m] >= SURE * score[members[0]]]


def _grow(
    first: int, spheres: np.ndarray, hu: np.ndarray, tree: cKDTree, reach: float, taken: np.ndarray
) -> list[int]:
    """A mark and the free ones that it is joined to, directly or through others, by descending score."""
    members = [first]
    for at in members:  # grows while it is walked
        near = tree.query_ball_point(spheres[at, :3], (spheres[at, 3] + reach) / 2 + GAP_MM)
        for other in sorted(near):
            if taken[other] or other in members:
                continue
            together = spheres[[*members, other]]
            if enclosing_sphere(together)[3] <= LARGEST_MM and _is_one(spheres[at], spheres[other], hu):
                members.append(other)
    return members


def _is_one(a: np.ndarray, b: np.ndarray, hu: np.ndarray) -> bool:
    """Whether one sphere's centre lies in or on the other, or solid tissue of some thickness leads from one to the other.

    Where spheres overlap, one thick place in the overlap is enough: lesions are rarely round. A gap must be thick throughout.
    """
    distance = float(np.linalg.norm(a[:3] - b[:3]))
    radius, other = a[3] / 2, b[3] / 2
    if distance <= max(radius, other) + RIM_MM:
        return True
    if distance > radius + other + GAP_MM:
        return False
    margin = np.ceil(2 * NECK_MM)
    low = np.maximum(np.floor(np.minimum(a[:3], b[:3]) - margin), 0).astype(int)
    high = np.ceil(np.maximum(a[:3], b[:3]) + margin).astype(int) + 1
    part = np.asarray(hu[tuple(slice(x, y) for x, y in zip(low, high, strict=True))])
    if not part.size:
        return False
    depth = distance_transform_edt(np.pad(part > TISSUE_HU, 1, mode="edge"))[1:-1, 1:-1, 1:-1]
    gap = distance > radius + other
    ends = sorted((radius, distance - other))
    along = np.linspace(ends[0], ends[1], int(np.ceil(ends[1] - ends[0])) + 1)[:, None] / distance
    index = np.round(a[:3] + along * (b[:3] - a[:3]) - low).astype(int)
    thick = depth[tuple(np.clip(index, 0, np.array(part.shape) - 1).T)] >= NECK_MM
    return bool(thick.all() if gap else thick.any())


def tissue_sphere(spheres: np.ndarray, hu: np.ndarray) -> np.ndarray:
    """Compute the sphere (z, y, x, diameter) with the centroid and volume of the solid tissue within some, of one its own."""
    if len(spheres) == 1:
        return spheres[0]
    radius = spheres[:, 3:] / 2
    low = np.maximum(np.floor((spheres[:, :3] - radius).min(0)), 0).astype(int)
    high = np.ceil((spheres[:, :3] + radius).max(0)).astype(int) + 1
    solid = np.asarray(hu[tuple(slice(x, y) for x, y in zip(low, high, strict=True))]) > TISSUE_HU
    axes = np.ogrid[tuple(slice(x, x + n) for x, n in zip(low, solid.shape, strict=True))]
    within = np.zeros_like(solid)
    for *center, diameter in spheres:
        within |= sum((a - c) ** 2 for a, c in zip(axes, center, strict=True)) <= (diameter / 2) ** 2
    inside = np.argwhere(solid & within)
    if not len(inside):
        return spheres[0]
    return np.array([*(inside.mean(0) + low), 2 * np.cbrt(3 * len(inside) / (4 * np.pi))])


def enclosing_sphere(spheres: np.ndarray) -> np.ndarray:
    """Compute a small sphere (z, y, x, diameter) around some: each in turn widens it as little as needed (Ritter 1990).

    The largest comes first, so that what lies within it changes nothing.
    """
    order = np.argsort(-spheres[:, 3], kind="stable")
    center, radius = spheres[order[0], :3].astype(float), float(spheres[order[0], 3]) / 2
    for z, y, x, diameter in spheres[order[1:]]:
        to = np.array([z, y, x]) - center
        distance = float(np.linalg.norm(to))
        if distance + diameter / 2 > radius:
            wider = (radius + distance + diameter / 2) / 2
            center = center + to / distance * (wider - radius) if distance else center
            radius = wider
    return np.array([*center, 2 * radius])
