"""Which contours of a plane are holes in others: those that lie wholly inside of one. What is drawn twice counts once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from skimage.measure import points_in_poly

_ON = 0.02
"""mm that rounded points of one contour may lie outside of another that it touches, or is drawn over again."""
_DENSE = 0.5
"""mm between the places of a contour that are looked at."""


def with_holes(rings: Sequence[np.ndarray]) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Sort the contours of a plane into regions, which are to be joined, and the holes of each.

    A contour wholly inside of another one is a hole in it, one inside of the hole a region again. Contours that cross, or lie side
    by side, are regions of their own.

    Parameters
    ----------
    rings
        (n, 2) points in mm each.
    """
    rings = sorted(rings, key=lambda ring: -_area(ring))
    within = np.array([[a is not b and _lies_in(a, b) for b in rings] for a in rings]).reshape(
        len(rings), len(rings)
    )
    again = np.triu(within & within.T).any(0)
    rings, within = [ring for ring, a in zip(rings, again, strict=True) if not a], within[~again][:, ~again]
    depth = np.zeros(len(rings), int)
    for i in np.argsort(within.sum(1), kind="stable"):
        depth[i] = (depth[within[i]] + 1).max(initial=0)
    for i in np.flatnonzero(depth % 2 == 0):
        yield rings[i], [rings[j] for j in np.flatnonzero(within[:, i] & (depth == depth[i] + 1))]


def _area(ring: np.ndarray) -> float:
    return abs(float(np.sum(ring[:, 0] * (np.roll(ring[:, 1], -1) - np.roll(ring[:, 1], 1))))) / 2


def _lies_in(ring: np.ndarray, other: np.ndarray) -> bool:
    """Whether no place of a contour is outside of another one."""
    if (ring.min(0) < other.min(0) - _ON).any() or (ring.max(0) > other.max(0) + _ON).any():
        return False
    places = _places(ring)
    outside = places[~points_in_poly(places, other)]
    return all(_distance(place, other) <= _ON for place in outside)


def _places(ring: np.ndarray) -> np.ndarray:
    """Points along all edges of a contour, its corners among them."""
    edges = np.roll(ring, -1, axis=0) - ring
    parts = np.ceil(np.linalg.norm(edges, axis=1) / _DENSE).astype(int).clip(1)
    edge = np.repeat(np.arange(len(ring)), parts)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(parts) - parts, parts)
    return ring[edge] + edges[edge] * (number / parts[edge])[:, None]


def _distance(place: np.ndarray, ring: np.ndarray) -> float:
    """From a place to the nearest edge."""
    edges = np.roll(ring, -1, axis=0) - ring
    squared = (edges**2).sum(1)
    along = ((place - ring) * edges).sum(1) / np.where(squared, squared, 1.0)
    nearest = ring + along.clip(0, 1)[:, None] * edges
    return float(np.linalg.norm(nearest - place, axis=1).min())
