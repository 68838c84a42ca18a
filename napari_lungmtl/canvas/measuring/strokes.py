"""A measurement in pixels of the canvas: its lines, the ends that can be gripped, and what lies under the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...training.findings import Measurement
from ...training.findings.measurements.measure import moved
from .slice_view import SliceView, corner_sources, corners

GRIP, NEAR = 9.0, 6.0
"""Pixels round an end, and beside a line, that still grip it."""
_ROUND = 72
"""Points that an ellipse is drawn with."""


@dataclass(frozen=True)
class Strokes:
    """Lines (n, 2) and handles (m, 2) of one measurement, x and y in pixels of the canvas."""

    lines: tuple[np.ndarray, ...]
    handles: np.ndarray
    outline: np.ndarray

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom."""
        points = np.vstack([*self.lines, self.handles])
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)

    def handle_at(self, x: float, y: float) -> int | None:
        """The nearest handle within `GRIP` of a place."""
        away = np.hypot(*(self.handles - (x, y)).T)
        nearest = int(away.argmin())
        return nearest if away[nearest] <= GRIP else None

    def is_at(self, x: float, y: float) -> bool:
        """Whether a line passes within `NEAR` of a place."""
        return any(_distance(line, x, y) <= NEAR for line in self.lines if len(line) > 1)


def strokes_of(measurement: Measurement, view: SliceView) -> Strokes:
    """Lay a measurement out on the canvas."""
    points = view.to_canvas(measurement.points)
    outline = view.to_canvas(measurement.outline) if measurement.outline else np.empty((0, 2))
    if measurement.kind in ("ellipse", "rectangle"):
        four = view.to_canvas(corners(measurement.points, view.axes))
        line = np.vstack([four, four[:1]])
        if measurement.kind == "ellipse":
            middle, half = points.mean(axis=0), np.abs(points[1] - points[0]) / 2
            turn = np.linspace(0, 2 * np.pi, _ROUND)
            line = middle + half * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        return Strokes((line,), four, outline)
    if measurement.kind == "axes":
        return Strokes((points[:2], points[2:]), points, outline)
    return Strokes((points,), points, outline)


def pulled(measurement: Measurement, handle: int, to: Sequence[float], axes: tuple[int, int]) -> Measurement:
    """Move a handle to a world point."""
    if measurement.kind not in ("ellipse", "rectangle"):
        return moved(measurement, handle, to)
    points = [list(p) for p in measurement.points]
    for axis, source in zip(axes, corner_sources()[handle], strict=True):
        points[source][axis] = float(to[axis])
    return measurement.with_(points=tuple(tuple(p) for p in points))


def _distance(line: np.ndarray, x: float, y: float) -> float:
    """Pixels from a place to a line of straight pieces."""
    start, step = line[:-1], np.diff(line, axis=0)
    length = np.maximum((step**2).sum(axis=1), 1e-9)
    along = np.clip((((x, y) - start) * step).sum(axis=1) / length, 0, 1)
    return float(np.hypot(*(start + along[:, None] * step - (x, y)).T).min())
