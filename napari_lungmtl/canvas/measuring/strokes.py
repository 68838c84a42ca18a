"""A measurement in pixels of the canvas: its lines, the ends that can be gripped, and what lies under the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...layers.rectangle import Rectangle
from ...training.findings import Measurement
from ...training.findings.measurements.measure import moved, slice_index
from ...training.imaging.image import Image
from ..frame import Frame

GRIP, NEAR = 9.0, 6.0
"""Pixels round an end, and beside a line, that still grip it."""
_ROUND = 72
"""Points that an ellipse is drawn with."""
_FINE, _PIECE, _RIM = 4.0, 6, 2.0
"""Pixels between points along a line, how many such steps a piece of it has, and half the width of a line with its rim."""
_CORNERS = ((0, 0), (0, 1), (1, 1), (1, 0))
"""For each corner of a rectangle, going round it, which of its two points gives its place down and its place across."""


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

    @property
    def pieces(self) -> tuple[Rectangle, ...]:
        """Small rectangles that together hold all lines: what no text may cover."""
        found = []
        for line in self.lines:
            along = np.concatenate([[0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
            places = np.union1d(along, np.arange(0.0, along[-1], _FINE))  # with the corners
            points = np.stack([np.interp(places, along, line[:, k]) for k in (1, 0)], axis=-1)
            for start in range(0, max(len(points) - 1, 1), _PIECE):
                piece = points[start : start + _PIECE + 1]
                (top, left), (bottom, right) = piece.min(axis=0) - _RIM, piece.max(axis=0) + _RIM
                found.append((float(top), float(left), float(bottom), float(right)))
        return tuple(found)

    def handle_at(self, x: float, y: float) -> int | None:
        """The nearest handle within `GRIP` of a place."""
        away = np.hypot(*(self.handles - (x, y)).T)
        nearest = int(away.argmin())
        return nearest if away[nearest] <= GRIP else None

    def is_at(self, x: float, y: float) -> bool:
        """Whether a line passes within `NEAR` of a place."""
        return any(_distance(line, x, y) <= NEAR for line in self.lines if len(line) > 1)


def on_slice(frame: Frame, image: Image) -> Frame:
    """The frame at the centre of the voxels that it shows: what is drawn on a slice lies there."""
    if frame.axis is None:
        return frame
    index = slice_index(image, frame.axis, frame.position)
    return replace(frame, position=image.origin[frame.axis] + index * image.scale[frame.axis])


def is_on(measurement: Measurement, frame: Frame, image: Image) -> bool:
    """Whether a measurement was drawn on the slice that a frame shows."""
    axis = frame.axis
    if measurement.axis != axis or axis is None:
        return measurement.axis == axis
    places = measurement.points[0][axis], frame.position
    return len({slice_index(image, axis, place) for place in places}) == 1


def strokes_of(measurement: Measurement, frame: Frame) -> Strokes:
    """Lay a measurement out on the canvas."""
    points = frame.to_screen(measurement.points)
    outline = frame.to_screen(measurement.outline) if measurement.outline else np.empty((0, 2))
    if measurement.kind in ("ellipse", "rectangle"):
        four = frame.to_screen(_corners(measurement.points, frame.axes))
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
    for axis, source in zip(axes, _CORNERS[handle], strict=True):
        points[source][axis] = float(to[axis])
    return measurement.with_(points=tuple(tuple(p) for p in points))


def _corners(points: Sequence[Sequence[float]], axes: tuple[int, int]) -> list[tuple[float, ...]]:
    """The four corners of an upright rectangle from two opposite ones."""
    result = []
    for sources in _CORNERS:
        corner = list(points[0])
        for axis, source in zip(axes, sources, strict=True):
            corner[axis] = points[source][axis]
        result.append(tuple(corner))
    return result


def _distance(line: np.ndarray, x: float, y: float) -> float:
    """Pixels from a place to a line of straight pieces."""
    start, step = line[:-1], np.diff(line, axis=0)
    length = np.maximum((step**2).sum(axis=1), 1e-9)
    along = np.clip((((x, y) - start) * step).sum(axis=1) / length, 0, 1)
    return float(np.hypot(*(start + along[:, None] * step - (x, y)).T).min())
