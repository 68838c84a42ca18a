"""Branching trees that fill a lung: arteries, veins and the airways beside the arteries.

A tree shares out a cloud of end points: each branch heads for the middle of its share, which is then cut in two. Radii follow
Murray's law, branches are curved, and end branches reach to within a few mm of the pleura as in a real lung.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MURRAY = 2.75


@dataclass(frozen=True)
class Branch:
    """One branch between two bifurcations.

    Parameters
    ----------
    points
        (n, 3) mm along the middle line.
    radii
        (n,) mm.
    share
        Number of end points behind it.
    """

    points: np.ndarray
    radii: np.ndarray
    share: int


def _curve(start: np.ndarray, control: np.ndarray, end: np.ndarray, count: int) -> np.ndarray:
    t = np.linspace(0, 1, count)[:, None]
    return (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end


def grow(
    root: np.ndarray, heading: np.ndarray, ends: np.ndarray, radius: float, rng: np.random.Generator
) -> list[Branch]:
    """A tree from `root` (z, y, x in mm), leaving along `heading`, to all `ends` (n, 3)."""
    total = len(ends)
    branches: list[Branch] = []
    stack = [(np.asarray(root, float), np.asarray(heading, float), np.asarray(ends, float), radius)]
    while stack:
        start, direction, share, r_start = stack.pop()
        n = len(share)
        middle = share.mean(axis=0)
        way = middle - start
        reach = 1.0 if n == 1 else float(rng.uniform(0.35, 0.6))
        end = start + reach * way
        length = float(np.linalg.norm(end - start))
        if length < 1e-3:
            continue
        # Leaving partly along the parent's direction and arriving obliquely bends the branch.
        straight = 0.5 * direction + 0.5 * way / (np.linalg.norm(way) + 1e-9)
        control = start + 0.45 * length * straight + rng.normal(0, 0.06 * length, 3)
        r_end = min(r_start, radius * (n / total) ** (1 / MURRAY) * float(rng.uniform(0.9, 1.1)))
        count = max(3, int(length / 0.45))
        points = _curve(start, control, end, count)
        branches.append(Branch(points, np.linspace(r_start, r_end, count), n))
        if n == 1:
            continue
        leaving = end - control
        leaving /= np.linalg.norm(leaving) + 1e-9
        apart = share - middle
        axis = np.linalg.svd(apart.T @ apart)[0][:, 0] if n > 2 else apart[0]
        axis = axis + 0.35 * np.linalg.norm(axis) * rng.normal(size=3)
        # Children part sideways: a cut across the heading would send one of them back.
        axis = axis - 0.85 * (axis @ leaving) * leaving
        order = np.argsort(apart @ axis)
        cut = int(np.clip(round(n * rng.uniform(0.22, 0.78)), 1, n - 1))
        for part in (order[:cut], order[cut:]):
            child = share[part]
            r_child = r_end if len(child) > 0.6 * n else radius * (len(child) / total) ** (1 / MURRAY) * 1.08
            stack.append((end, leaving, child, min(r_child, r_end)))
    return branches


def airways(arteries: list[Branch], lateral: np.ndarray) -> list[Branch]:
    """Bronchi beside the larger arteries; radii are those of the lumen.

    The distance of the two middle lines is the sum of the radii, so that they touch, as on any CT.
    """
    total = max(b.share for b in arteries)
    out = []
    for branch in arteries:
        if branch.share < 0.012 * total:
            continue
        radii = 0.8 * branch.radii
        beside = (branch.radii + radii + wall(radii))[:, None] * lateral
        out.append(Branch(branch.points + beside, radii, branch.share))
    return out


def wall(lumen: np.ndarray) -> np.ndarray:
    """Thickness of the airway wall in mm for a lumen radius."""
    return 0.55 + 0.13 * np.asarray(lumen)


def stack_points(branches: list[Branch]) -> tuple[np.ndarray, np.ndarray]:
    """All points (n, 3) and radii (n,) of many branches."""
    if not branches:
        return np.zeros((0, 3)), np.zeros(0)
    return np.concatenate([b.points for b in branches]), np.concatenate([b.radii for b in branches])
