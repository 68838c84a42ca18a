"""A click on a mark selects its finding, whichever layer is active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from napari.components import ViewerModel

from ..canvas.frame import Frame
from ..layers.screen import pixel_size
from ..session.session import Session
from ..training.findings import Finding
from .marks import Mark, marks_of

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
    image = session.image
    frame = Frame.of_canvas(viewer, (1, 1), image.ndim)
    if frame is None:
        return
    offset = viewer.dims.ndim - image.ndim
    place = [clicked[axis + offset] for axis in frame.axes]
    beside = _BESIDE * pixel_size() * frame.mm
    if frame.axis is None:
        found = box_at(session.visible, place, frame.axes, beside)
    else:
        found = mark_at(session.visible, place, frame, image.scale[frame.axis], beside)
    if found is not None:
        session.select(found.id)


def box_at(
    findings: Iterable[Finding], place: Sequence[float], axes: Sequence[int], beside: float
) -> Finding | None:
    """Find the smallest finding of a radiograph whose box holds a place, or lies no more than `beside` from it.

    Parameters
    ----------
    place
        World coordinates along `axes`, as `Frame` has them.
    """
    at, order = np.asarray(place, float), list(axes)
    held = [
        f
        for f in findings
        if (box := f.box) is not None
        and len(box.low) == 2
        and np.all(np.abs(at - np.clip(at, np.take(box.low, order), np.take(box.high, order))) <= beside)
    ]
    return min(held, key=lambda f: f.diameter, default=None)


def mark_at(
    findings: Iterable[Finding], place: Sequence[float], frame: Frame, step: float, beside: float
) -> Finding | None:
    """Find the smallest finding of a CT whose ring or outline, as a slice or slab shows it, holds a place.

    Parameters
    ----------
    place
        World coordinates along the axes of the frame, in mm.
    frame, step
        See `marks_of`.
    beside
        How far (mm) beside a mark still means it.
    """
    at = np.asarray(place, float)
    held = [f for f in findings if any(_holds(mark, at, beside) for mark in marks_of((f,), (), frame, step))]
    return min(held, key=lambda f: f.diameter, default=None)


def _holds(mark: Mark, at: np.ndarray, beside: float) -> bool:
    if not mark.lines:
        return bool(np.linalg.norm(at - mark.center) <= mark.radius + beside)
    # Here, because scikit-image takes long to load.
    from skimage.measure import points_in_poly

    near = min(float(np.linalg.norm(line - at, axis=1).min()) for line in mark.lines)
    return near <= beside or any(bool(points_in_poly(at[None], line)[0]) for line in mark.lines)
