"""A click on a mark selects its finding, whichever layer is active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from napari.components import ViewerModel

from ..layers.planes import slab_reach
from ..layers.screen import pixel_size
from ..layers.spheres.discs import ring_radius
from ..session.session import Session
from ..training.findings import Finding

_BESIDE = 4.0
"""Pixels of the screen beside a mark that still mean it: a ring of 4 mm is small on a whole chest."""


def select_at(viewer: ViewerModel, session: Session | None, clicked: Mapping[int, float]) -> None:
    """Select the finding whose mark was clicked; beside all marks nothing changes.

    Parameters
    ----------
    viewer, session
        The canvas, and the session of what it shows.
    clicked
        World coordinates along the displayed axes, by axis.
    """
    if session is None or session.image is None or not session.overlays_shown:
        return
    dims, image = viewer.dims, session.image
    first = dims.ndim - image.ndim
    place = [clicked.get(axis, dims.point[axis]) for axis in range(first, dims.ndim)]
    across = next((axis for axis in range(first, dims.ndim) if axis not in clicked), None)
    beside = _BESIDE * pixel_size() / max(float(viewer.scene.camera.zoom), 1e-6)
    if across is None:
        found = box_at(session.visible, place, beside)
    else:
        axis, reach = across - first, slab_reach(viewer, across)
        found = ring_at(session.visible, place, axis, beside, image.scale[axis], reach)
    if found is not None:
        session.select(found.id)


def box_at(findings: Iterable[Finding], place: Sequence[float], beside: float) -> Finding | None:
    """Find the smallest finding of a radiograph whose box holds a world position (y, x), or lies no more than `beside` from it."""
    at = np.asarray(place, float)
    held = [
        f
        for f in findings
        if (box := f.box) is not None
        and len(box.low) == len(at)
        and np.all(np.abs(at - np.clip(at, box.low, box.high)) <= beside)
    ]
    return min(held, key=lambda f: f.diameter, default=None)


def ring_at(
    findings: Iterable[Finding],
    place: Sequence[float],
    across: int,
    beside: float,
    step: float,
    reach: float = 0.0,
) -> Finding | None:
    """Find the smallest finding of a CT whose ring, as a slice or slab shows it, holds a world position.

    Parameters
    ----------
    place
        z, y, x in mm.
    across
        The axis that the slice lies across.
    beside
        How far (mm) beside a ring still means it.
    step, reach
        Between slices along that axis, and how far a slab reaches on either side: see `ring_radius`.
    """
    at = np.asarray(place, float)
    held = []
    for finding in findings:
        if len(finding.center) != len(at):
            continue
        away = at - np.asarray(finding.center)
        radius = ring_radius(finding.diameter, float(away[across]), step, reach)
        if radius is not None and np.linalg.norm(np.delete(away, across)) <= radius + beside:
            held.append(finding)
    return min(held, key=lambda f: f.diameter, default=None)
