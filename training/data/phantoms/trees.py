"""Branching trees that fill a lung: arteries, veins and the airways beside the arteries.

A tree divides a cloud of end points: each branch heads for the middle of its part, which is then cut in two. Radii
follow Murray's law, branches are curved, and end branches reach to within a few mm of the pleura as in a real lung.
All branches of one generation are grown at once, because a lung has thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MURRAY = 2.75


@dataclass(frozen=True)
class Tree:
    """Middle lines of all branches as one cloud of points, close enough for balls of `radii` to merge into tubes.

    Parameters
    ----------
    points
        (n, 3) mm.
    radii
        (n,) mm.
    fraction
        (n,) part of the tree's end points that lies behind each point's branch (1 at the root).
    """

    points: np.ndarray
    radii: np.ndarray
    fraction: np.ndarray

    def where(self, chosen: np.ndarray) -> Tree:
        """The chosen points only."""
        return Tree(self.points[chosen], self.radii[chosen], self.fraction[chosen])


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _sample(start: np.ndarray, control: np.ndarray, end: np.ndarray, r0: np.ndarray, r1: np.ndarray):
    """Points, radii and branch number along quadratic curves."""
    length = np.linalg.norm(end - start, axis=1)
    # Balls a third of the radius apart leave no waists.
    count = np.maximum(3, (length / np.maximum(0.45, 0.3 * r1)).astype(int))
    branch = np.repeat(np.arange(len(count)), count)
    first = np.repeat(np.cumsum(count) - count, count)
    t = ((np.arange(len(branch)) - first) / (count[branch] - 1))[:, None]
    points = (1 - t) ** 2 * start[branch] + 2 * t * (1 - t) * control[branch] + t**2 * end[branch]
    return points, r0[branch] + t[:, 0] * (r1 - r0)[branch], branch


def grow(
    root: np.ndarray, heading: np.ndarray, ends: np.ndarray, radius: float, rng: np.random.Generator
) -> Tree:
    """A tree from `root` (z, y, x in mm), leaving along `heading`, to all `ends` (n, 3)."""
    total = len(ends)
    points = np.asarray(ends, float)  # kept sorted by branch
    sizes = np.array([total])
    start, direction, r_start = (
        np.asarray(root, float)[None],
        _unit(np.asarray(heading, float))[None],
        np.array([radius]),
    )
    parts: list[Tree] = []
    while len(sizes):
        b = len(sizes)
        owner = np.repeat(np.arange(b), sizes)
        first = np.cumsum(sizes) - sizes
        middle = np.add.reduceat(points, first) / sizes[:, None]
        way = middle - start
        reach = np.where(sizes == 1, 1.0, rng.uniform(0.35, 0.6, b))
        end = start + reach[:, None] * way
        length = np.linalg.norm(end - start, axis=1)
        # Leaving partly along the parent's direction and arriving obliquely bends the branch.
        control = start + 0.45 * length[:, None] * (0.5 * direction + 0.5 * _unit(way))
        control += rng.normal(size=(b, 3)) * 0.06 * length[:, None]
        r_end = np.minimum(r_start, radius * (sizes / total) ** (1 / MURRAY) * rng.uniform(0.9, 1.1, b))
        line, radii, branch = _sample(start, control, end, r_start, r_end)
        parts.append(Tree(line, radii, (sizes / total)[branch]))

        leaving = _unit(end - control)
        apart = points - middle[owner]
        spread = np.add.reduceat(apart[:, :, None] * apart[:, None, :], first)
        axis = np.linalg.eigh(spread)[1][:, :, 2] + 0.35 * rng.normal(size=(b, 3))
        # Children part sideways: a cut across the heading would send one of them back.
        axis -= 0.85 * np.sum(axis * leaving, axis=1, keepdims=True) * leaving
        order = np.lexsort((np.sum(apart * axis[owner], axis=1), owner))
        cut = np.clip(np.rint(sizes * rng.uniform(0.22, 0.78, b)).astype(int), 1, np.maximum(sizes - 1, 1))

        split = sizes > 1
        points = points[order][split[owner]]
        children = np.stack([cut, sizes - cut], 1)[split]
        parent_radius = r_end[split, None]
        murray = radius * (children / total) ** (1 / MURRAY) * 1.08
        # The larger child of an uneven pair carries the parent on.
        carried = children > 0.6 * sizes[split, None]
        r_start = np.where(carried, parent_radius, np.minimum(murray, parent_radius)).ravel()
        sizes = children.ravel()
        start, direction = np.repeat(end[split], 2, axis=0), np.repeat(leaving[split], 2, axis=0)
    return join(parts)


def airways(arteries: Tree, lateral: np.ndarray) -> Tree:
    """Bronchi beside the larger arteries; radii are those of the lumen.

    The distance of the two middle lines is the sum of the radii, so that they touch, as on any CT.
    """
    large = arteries.where(arteries.fraction >= 0.012)
    lumen = 0.8 * large.radii
    beside = (large.radii + lumen + wall(lumen))[:, None] * lateral
    return Tree(large.points + beside, lumen, large.fraction)


def wall(lumen: np.ndarray) -> np.ndarray:
    """Thickness of the airway wall in mm for a lumen radius."""
    return 0.55 + 0.13 * np.asarray(lumen)


def join(trees: list[Tree]) -> Tree:
    """Several trees as one."""
    return Tree(
        np.concatenate([t.points for t in trees]),
        np.concatenate([t.radii for t in trees]),
        np.concatenate([t.fraction for t in trees]),
    )
