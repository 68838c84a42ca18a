"""What a plane or a slab shows of findings and of the truth, in world millimetres: no Qt, no napari."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..canvas.frame import Frame
from ..layers.spheres import rows
from ..layers.spheres.discs import ring_radius
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
        Of a ring, or of a square that is `square`: coordinates along the axes down and right, and mm.
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
    findings: Sequence[Finding], selection: Collection[str], frame: Frame, step: float
) -> tuple[Mark, ...]:
    """What a plane or slab shows of findings: those that it cuts or holds, the selected ones last.

    Parameters
    ----------
    findings
        Those that pass the thresholds; spheres and masks of a volume.
    selection
        Ids of the selected ones.
    frame
        The picture, with the plane's position and the slab's reach. Spheres whose centre lies in the slab are shown at their
        full diameter, others where its faces cut them.
    step
        From slice to slice of the volume along the axis across, in mm.
    """
    shown = [f for f in findings if isinstance(f.geometry, Sphere) or _is_volume(f)]
    colors = rows.edges(rows.colors(shown), [i for i, f in enumerate(shown) if f.id in selection])
    marks = []
    for finding, color in zip(shown, colors.tolist(), strict=True):
        mark = _mark(finding, (*color[:3], 1.0), finding.id in selection, frame, step)
        if mark is not None:
            marks.append(mark)
    return tuple(sorted(marks, key=lambda mark: mark.selected))


def squares_of(
    centers: np.ndarray, diameters: np.ndarray, color: Rgba, frame: Frame, step: float
) -> tuple[Mark, ...]:
    """The truth as a plane or slab shows it.

    Parameters
    ----------
    centers, diameters
        World points (n, 3) and (n,), in mm.
    color, frame, step
        As for `marks_of`.
    """
    spheres = (Sphere(tuple(c), float(d)) for c, d in zip(centers.tolist(), diameters, strict=True) if d > 0)
    marks = (_ring(sphere, color, frame, step, square=True) for sphere in spheres)
    return tuple(mark for mark in marks if mark is not None)


def _ring(
    sphere: Sphere, color: Rgba, frame: Frame, step: float, *, selected: bool = False, square: bool = False
) -> Mark | None:
    """The ring about a sphere where the plane or slab shows it."""
    across, down, right = frame.order
    radius = ring_radius(sphere.diameter, sphere.center[across] - frame.position, step, frame.reach)
    center = sphere.center[down], sphere.center[right]
    return Mark(color, selected, center, radius, square) if radius is not None else None


def _is_volume(finding: Finding) -> bool:
    return isinstance(finding.geometry, Mask) and len(finding.geometry.shape) == 3


def _mark(finding: Finding, color: Rgba, selected: bool, frame: Frame, step: float) -> Mark | None:
    geometry, axis = finding.geometry, frame.order[0]
    if isinstance(geometry, Sphere):
        return _ring(geometry, color, frame, step, selected=selected)
    assert isinstance(geometry, Mask)
    spacing, origin = geometry.spacing[axis], geometry.origin[axis]
    position, reach = frame.position, frame.reach
    # The slices that the slab reaches, at least the one that the plane lies in.
    first = int(np.ceil((position - reach - origin) / spacing - 0.5 + 1e-9))
    last = max(int(np.floor((position + reach - origin) / spacing + 0.5 - 1e-9)), first)
    first, last = max(first, 0), min(last, geometry.shape[axis] - 1)
    lines = _rims(geometry, frame.order, first, last) if first <= last else ()
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
