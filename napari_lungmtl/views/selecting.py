"""A click on a mark selects its finding, whichever layer is active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from napari.components import ViewerModel

from ..layers.screen import pixel_size
from ..session.session import Session
from ..training.findings import Finding

_REACH = 6.0
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
    dims, count = viewer.dims, session.image.ndim
    place = [clicked.get(axis, point) for axis, point in enumerate(dims.point)]
    across = [axis not in clicked for axis in range(dims.ndim)]
    reach = _REACH * pixel_size() / max(float(viewer.scene.camera.zoom), 1e-6)
    found = finding_at(session.visible, place[-count:], across[-count:], reach)
    if found is not None:
        session.select(found.id)


def finding_at(
    findings: Iterable[Finding], place: Sequence[float], across: Sequence[bool], reach: float
) -> Finding | None:
    """Find the smallest finding whose mark is seen at a place, or None.

    Parameters
    ----------
    place
        World position z, y, x in mm, or y, x of a radiograph.
    across
        For each axis of it, whether the slice that is looked at lies across it: only marks that it cuts are seen.
    reach
        World units beside a mark that still belong to it.
    """
    at, depth = np.asarray(place, float), np.asarray(across, bool)
    seen = [f for f in findings if len(f.center) == len(at) and _is_at(f, at, depth, reach)]
    return min(seen, key=lambda f: f.diameter, default=None)


def _is_at(finding: Finding, at: np.ndarray, depth: np.ndarray, reach: float) -> bool:
    if finding.box is not None and len(at) == 2:
        low, high = np.asarray(finding.box.low), np.asarray(finding.box.high)
        return bool(np.all((low - reach <= at) & (at <= high + reach)))
    away, radius = at - np.asarray(finding.center), finding.diameter / 2
    cut = radius**2 - float((away[depth] ** 2).sum())
    return cut >= 0 and float(np.linalg.norm(away[~depth])) <= np.sqrt(cut) + reach
