"""Where nodules can be: free in the lung, at a vessel, at the pleura."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from . import trees
from .grid import Grid
from .lungs import Lungs
from .spec import NoduleSpec, PhantomSpec

Placed = tuple[NoduleSpec, np.ndarray, np.random.Generator]


class PlacementError(ValueError):
    """A nodule does not fit anywhere in the scanned part of the lungs."""


def place(spec: PhantomSpec, lungs: Lungs, grid: Grid, rng: np.random.Generator) -> list[Placed]:
    """A centre for each nodule, and its own stream of numbers."""
    seeds = rng.integers(0, 2**63, len(spec.nodules))
    both = np.maximum(*lungs.distance)
    # The scanned part's edges, not its outer voxels' centres: the same for every spacing.
    half = np.asarray(grid.spacing) / 2
    low = np.asarray(grid.start) - half
    high = low + np.asarray(grid.spacing) * np.asarray(grid.shape)
    tree = trees.join([*lungs.arteries, *lungs.veins])
    points, radii = tree.points, tree.radii
    large = cKDTree(points[radii > 0.9])
    taken: list[tuple[np.ndarray, float]] = []
    placed: list[Placed | None] = [None] * len(spec.nodules)
    # Given places first, then the largest.
    order = sorted(
        range(len(spec.nodules)), key=lambda i: (spec.nodules[i].center is None, -spec.nodules[i].diameter)
    )
    for i in order:
        nodule, own = spec.nodules[i], np.random.default_rng(seeds[i])
        r = nodule.diameter / 2
        if nodule.center is not None:
            center = np.asarray(nodule.center, float)
        else:
            found = None
            for _ in range(400):
                candidate = _candidate(nodule, lungs, both, points, radii, own)
                if candidate is None or np.any(candidate < low + r) or np.any(candidate > high - r):
                    continue
                if nodule.place == "isolated" and large.query(candidate)[0] < r + 1.5:
                    continue
                if all(np.linalg.norm(candidate - c) > r + q + 4 for c, q in taken):
                    found = candidate
                    break
            if found is None:
                raise PlacementError(
                    f"no room for a {nodule.place} nodule of {nodule.diameter:g} mm in z_range {spec.z_range}; "
                    "take a larger z_range, fewer or smaller nodules"
                )
            center = found
        taken.append((center, r))
        placed[i] = (nodule, center, own)
    return [p for p in placed if p is not None]


def _candidate(
    nodule: NoduleSpec,
    lungs: Lungs,
    both: np.ndarray,
    points: np.ndarray,
    radii: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """A random position of the kind that `nodule` asks for, or None."""
    r, step = nodule.diameter / 2, lungs.grid.spacing[0]
    start = np.asarray(lungs.grid.start)
    if nodule.place == "juxtavascular":
        near = np.flatnonzero((radii > 0.8) & (radii < 2.6))
        k = near[rng.integers(len(near))]
        away = rng.normal(size=3)
        center = points[k] + away / np.linalg.norm(away) * (radii[k] + 0.75 * r)
        return center if lungs.at(center[None])[0] > r + 1 else None
    if nodule.place == "juxtapleural":
        shell = np.argwhere(np.abs(both - 3) < 2.5)
        index = shell[rng.integers(len(shell))] + rng.uniform(-0.5, 0.5, 3)
        point = start + index * step
        steps = np.concatenate([np.eye(3), -np.eye(3)]) * 3.0
        d = lungs.at(point + steps)
        normal = d[:3] - d[3:]
        if np.linalg.norm(normal) < 1e-3:
            return None
        normal /= np.linalg.norm(normal)
        depth = rng.uniform(0.35, 0.85) * r
        center = point + normal * (depth - lungs.at(point[None])[0])
        # Only the costal pleura and the like: not where the other side is close, too.
        return center if abs(lungs.at(center[None])[0] - depth) < 1.0 + 0.2 * r else None
    inside = np.argwhere(both > r + 3)
    if not len(inside):
        return None
    return start + (inside[rng.integers(len(inside))] + rng.uniform(-0.5, 0.5, 3)) * step
