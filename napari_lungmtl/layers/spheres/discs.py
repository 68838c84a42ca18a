"""What a slice cuts of a sphere, and the ring that stands off it: no napari, no Qt."""

from __future__ import annotations

import math

STAND_OFF = 2.5
"""Millimetres from the nodule's edge to its ring, so that the edge can be judged."""
WIDTH, SELECTED_WIDTH, HALO_WIDTH = 2.5, 3.5, 1.0
"""Pixels of the screen of a ring's line, of a selected one's, and of the dark on either side, by which it is seen on bone: the
same for small and large nodules."""


def disc_radius(diameter: float, offset: float, step: float) -> float | None:
    """Radius of the disc that a slice cuts of a sphere; None where it cuts none.

    Parameters
    ----------
    diameter
        Of the sphere, in mm.
    offset
        From its centre to the slice, in mm.
    step
        From slice to slice, in mm: a sphere so small that it lies between two is told on the nearest, as a disc of nothing.
    """
    radius = diameter / 2
    if abs(offset) < radius:
        return math.sqrt(radius**2 - offset**2)
    return 0.0 if abs(offset) <= step / 2 * (1 + 1e-6) else None


def beyond_faces(distance: float, reach: float) -> float:
    """How far (mm, signed) what lies `distance` from the slice is from the nearest face of the slab about it; 0 within.

    Parameters
    ----------
    distance
        Along the axis, from the slice.
    reach
        How far the slab reaches on either side; 0 for a slice.
    """
    return distance - min(max(distance, -reach), reach)


def ring_radius(diameter: float, distance: float, step: float, reach: float = 0.0) -> float | None:
    """Radius (mm) of the ring about what a slice or a slab shows of a sphere; None where that is nothing.

    Parameters
    ----------
    diameter, step
        As for `disc_radius`.
    distance
        Along the axis, from the slice to the sphere's centre, in mm.
    reach
        As for `beyond_faces`.
    """
    disc = disc_radius(diameter, beyond_faces(distance, reach), step)
    return None if disc is None else disc + STAND_OFF
