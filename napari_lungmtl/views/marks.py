"""What a plane or a slab shows of findings and of the truth, in world millimetres: no Qt, no napari."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..layers.spheres import rows
from ..training.findings import Finding, Mask, Sphere

Rgba = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """The outline of one thing on a plane.

    Parameters
    ----------
    color
        RGBA, 0–1.
    selected
        Whether its finding is selected.
    center, radius
        Of a circle, or of a square that is `square`: coordinates along the axes down and right, and mm.
    lines
        Closed lines (n, 2) instead, along the same axes.
    """

    color: Rgba
    selected: bool = False
    center: tuple[float, float] = (0.0, 0.0)
    radius: float = 0.0
    square: bool = False
    lines: tuple[np.ndarray, ...] = ()


def marks_of(
    findings: Sequence[Finding],
    selection: Collection[str],
    order: Sequence[int],
    position: float,
    reach: float = 0.0,
) -> tuple[Mark, ...]:
    """What a plane or slab shows of findings: those that it cuts or holds, the selected ones last.

    Parameters
    ----------
    findings
        Those that pass the thresholds; spheres and masks of a volume.
    selection
        Ids of the selected ones.
    order
        World axes: across the plane, down, right.
    position
        Of the plane on the first of them, in mm.
    reach
        From there to either face of the slab, in mm; 0 for a plane. Spheres whose centre lies in the slab are shown at
        their full diameter, others where its faces cut them.
    """
    shown = [f for f in findings if isinstance(f.geometry, Sphere) or _is_volume(f)]
    colors = rows.edges(rows.colors(shown), [i for i, f in enumerate(shown) if f.id in selection])
    marks = []
    for finding, color in zip(shown, colors.tolist(), strict=True):
        mark = _mark(finding, (*color[:3], 1.0), finding.id in selection, order, position, reach)
        if mark is not None:
            marks.append(mark)
    return tuple(sorted(marks, key=lambda mark: mark.selected))


def squares_of(
    centers: np.ndarray,
    diameters: np.ndarray,
    color: Rgba,
    order: Sequence[int],
    position: float,
    reach: float,
) -> tuple[Mark, ...]:
    """The truth as a plane or slab shows it.

    Parameters
    ----------
    centers, diameters
        World points (n, 3) and (n,), in mm.
    color, order, position, reach
        As for `marks_of`.
    """
    spheres = (Sphere(tuple(c), float(d)) for c, d in zip(centers.tolist(), diameters, strict=True) if d > 0)
    return tuple(_circles(spheres, color, order, position, reach))


def _circles(
    spheres: Iterable[Sphere], color: Rgba, order: Sequence[int], position: float, reach: float
) -> Iterable[Mark]:
    for sphere in spheres:
        radius = cut_radius(sphere, order[0], position, reach)
        if radius is not None:
            center = sphere.center[order[1]], sphere.center[order[2]]
            yield Mark(color, center=center, radius=radius, square=True)


def cut_radius(sphere: Sphere, axis: int, position: float, reach: float = 0.0) -> float | None:
    """Radius in mm of the circle that a plane or slab across an axis shows of a sphere; None where it misses it."""
    radius = sphere.diameter / 2
    outside = max(abs(sphere.center[axis] - position) - reach, 0.0)
    return float(np.sqrt(radius**2 - outside**2)) if outside < radius else None


def _is_volume(finding: Finding) -> bool:
    return isinstance(finding.geometry, Mask) and len(finding.geometry.shape) == 3


def _mark(
    finding: Finding, color: Rgba, selected: bool, order: Sequence[int], position: float, reach: float
) -> Mark | None:
    geometry = finding.geometry
    if isinstance(geometry, Sphere):
        radius = cut_radius(geometry, order[0], position, reach)
        center = geometry.center[order[1]], geometry.center[order[2]]
        return Mark(color, selected, center, radius) if radius is not None else None
    assert isinstance(geometry, Mask)
    axis = order[0]
    spacing, origin = geometry.spacing[axis], geometry.origin[axis]
    # The slices that the slab reaches, at least the one that the plane lies in.
    first = int(np.ceil((position - reach - origin) / spacing - 0.5 + 1e-9))
    last = max(int(np.floor((position + reach - origin) / spacing + 0.5 - 1e-9)), first)
    first, last = max(first, 0), min(last, geometry.shape[axis] - 1)
    lines = _rims(geometry, tuple(order), first, last) if first <= last else ()
    return Mark(color, selected, lines=lines) if lines else None


@lru_cache(maxsize=512)
def _rims(mask: Mask, order: tuple[int, ...], first: int, last: int) -> tuple[np.ndarray, ...]:
    """Outlines of what some slices of a mask hold together, as closed lines."""
    from skimage.measure import find_contours

    axis = order[0]
    held = mask.to_array().take(range(first, last + 1), axis).any(axis)
    if order[1] > order[2]:
        held = held.T
    spacing, origin = (np.asarray(values)[list(order[1:])] for values in (mask.spacing, mask.origin))
    return tuple((line - 1) * spacing + origin for line in find_contours(np.pad(held, 1).astype(float), 0.5))
