"""Where captions and the table of attributes stand between the marks on a canvas: rectangles in, rectangles out, no Qt.

Pixels are (row, column) from the upper left of the canvas, rows growing downwards. The promises: nothing that is placed here
covers a mark, what is taken already, or each other, and all of it lies on the canvas. Where that cannot be, it is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...layers.rectangle import Rectangle, overlap

GAP = 4.0
"""Pixels between a caption and its mark."""
NEAR = 9.0
"""Pixels from its mark beyond which a caption needs a line to it."""
MOST = 60
"""Captions at most: nobody reads more, and each costs time."""
_CLOSE, _LINES = 16, 24
"""Obstacles about a mark whose edges are tried first; how many places are tried for a line that crosses no other mark."""
_SLACK = 1e-6

Size = tuple[float, float]
Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """The outline of a mark on the screen: an upright rectangle, or the ellipse in it."""

    rectangle: Rectangle
    round: bool = False


@dataclass(frozen=True)
class Place:
    """Where a caption stands, and the line from it to its mark where it had to move away."""

    rectangle: Rectangle
    leader: tuple[Point, Point] | None = None


def place_captions(
    shapes: Sequence[Shape],
    sizes: Sequence[Size | None],
    canvas: Rectangle,
    taken: Sequence[Rectangle] = (),
) -> list[Place | None]:
    """A place for the caption of each mark; None where it says nothing, its mark is out of sight, or there is no room.

    Parameters
    ----------
    shapes
        All marks on the canvas; no caption covers any of them. The first ones choose first.
    sizes
        Height and width of each mark's caption in pixels; None where a mark has none.
    canvas
        What captions must not leave.
    taken
        What else they must not cover.
    """
    obstacles = [*(shape.rectangle for shape in shapes), *taken]
    places: list[Place | None] = [None] * len(shapes)
    count, no_room = 0, (np.inf, np.inf)
    for n, (shape, size) in enumerate(zip(shapes, sizes, strict=True)):
        if size is None or count >= MOST or not overlap(shape.rectangle, canvas):
            continue
        if size[0] >= no_room[0] and size[1] >= no_room[1]:  # there was none for less
            continue
        others = [other.rectangle for k, other in enumerate(shapes) if k != n]
        places[n] = place = _place(shape, size, canvas, np.array(obstacles, float), others)
        if place is not None:
            obstacles.append(place.rectangle)
            count += 1
        else:
            no_room = size
    return places


def place_table(
    size: Size, canvas: Rectangle, obstacles: Sequence[Rectangle], image: Rectangle
) -> Rectangle | None:
    """A place for a table: where it covers least of the image, of such places the nearest to the upper right corner.

    Parameters
    ----------
    size
        Height and width in pixels.
    canvas
        What the table must not leave.
    obstacles
        What it must not cover: marks and other texts.
    image
        The image on the screen; it may be larger than the canvas.
    """
    blocked = np.array(obstacles, float).reshape(-1, 4)
    corners = _free_at_edges(size, canvas, blocked, blocked)
    if not len(corners):
        return None
    low = np.maximum(corners, image[:2])
    high = np.minimum(corners + size, image[2:])
    covered = np.maximum(high - low, 0).prod(axis=1) / (size[0] * size[1])
    distance = np.hypot(*(corners - (canvas[0], canvas[3] - size[1])).T)
    best = np.lexsort((distance, np.round(covered, 2)))[0]
    return _rectangle(corners[best], size)


def leader(caption: Rectangle, shape: Shape) -> tuple[Point, Point]:
    """The line from a caption's edge to the outline of its mark."""
    top, left, bottom, right = shape.rectangle
    middle = np.array([(top + bottom) / 2, (left + right) / 2])
    start = np.clip(middle, caption[:2], caption[2:])
    if not shape.round:
        end = np.clip(start, (top, left), (bottom, right))
    else:
        half = np.maximum([(bottom - top) / 2, (right - left) / 2], _SLACK)
        away = start - middle
        end = middle + away / max(float(np.hypot(*(away / half))), 1.0)
    return (float(start[0]), float(start[1])), (float(end[0]), float(end[1]))


def _place(
    shape: Shape, size: Size, canvas: Rectangle, obstacles: np.ndarray, others: Sequence[Rectangle]
) -> Place | None:
    beside = _free(_inside(_beside(shape.rectangle, size), size, canvas), size, obstacles)
    if len(beside):
        return _told(_rectangle(beside[0], size), shape)
    middle = np.array([sum(shape.rectangle[::2]) / 2, sum(shape.rectangle[1::2]) / 2])
    near = np.argsort(_distance(obstacles, middle), kind="stable")
    for count in (_CLOSE, len(obstacles)):
        lines = np.vstack([obstacles[near[:count]], shape.rectangle])
        corners = _free_at_edges(size, canvas, lines, obstacles)
        if len(corners):
            return _nearest(corners, shape, size, others)
    return None


def _nearest(corners: np.ndarray, shape: Shape, size: Size, others: Sequence[Rectangle]) -> Place:
    """Of free places the nearest to the mark, if there is one whose line crosses no other mark, then of those."""
    middle = np.array([sum(shape.rectangle[::2]) / 2, sum(shape.rectangle[1::2]) / 2])
    away = _distance(np.hstack([corners, corners + size]), middle)
    order = np.argsort(away, kind="stable")[:_LINES]
    places = [_told(_rectangle(corners[k], size), shape) for k in order]
    clear = (p for p in places if p.leader is None or not any(crosses(p.leader, r) for r in others))
    return next(clear, places[0])


def _told(rectangle: Rectangle, shape: Shape) -> Place:
    line = leader(rectangle, shape)
    return Place(rectangle, line if np.hypot(*np.subtract(*line)) > NEAR else None)


def _beside(mark: Rectangle, size: Size) -> np.ndarray:
    """Upper left corners (10, 2) of places at a mark, the best first: above, below, to the right, to the left."""
    top, left, bottom, right = mark
    height, width = size
    above, below = top - GAP - height, bottom + GAP
    after, before = right + GAP, left - GAP - width
    middle, center = (top + bottom - height) / 2, (left + right - width) / 2
    return np.array(
        [
            *((above, left), (above, right - width), (above, center)),
            *((below, left), (below, right - width), (below, center)),
            *((middle, after), (middle, before), (above, after), (below, after)),
        ]
    )


def _inside(corners: np.ndarray, size: Size, canvas: Rectangle) -> np.ndarray:
    """The places pushed into the canvas; none where it is too small."""
    low, high = np.array(canvas[:2]), np.array(canvas[2:]) - size
    return np.clip(corners, low, high) if (high >= low).all() else np.empty((0, 2))


def _free_at_edges(size: Size, canvas: Rectangle, edges: np.ndarray, obstacles: np.ndarray) -> np.ndarray:
    """Upper left corners (n, 2) of free places at the edges of some rectangles and of the canvas.

    With the edges of all obstacles there is one if there is room anywhere: whatever lies free can be pushed up and to the left
    until it meets an edge.
    """
    rows = _along(canvas[0], canvas[2] - size[0], edges[:, 0] - size[0], edges[:, 2])
    columns = _along(canvas[1], canvas[3] - size[1], edges[:, 1] - size[1], edges[:, 3])
    # A place covers an obstacle where both its row and its column do: a product of two small tables.
    in_rows = _meets(rows, size[0], obstacles[:, 0], obstacles[:, 2])
    in_columns = _meets(columns, size[1], obstacles[:, 1], obstacles[:, 3])
    row, column = np.nonzero(in_rows @ in_columns.T == 0)
    return np.stack([rows[row], columns[column]], axis=1)


def _along(first: float, last: float, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Places along an axis: at both ends, before and after edges, close by and with a gap."""
    places = np.concatenate([[first, last], after + GAP, after, before - GAP, before])
    return places[(places >= first) & (places <= last)]


def _meets(places: np.ndarray, length: float, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Which stretches from places on (n) have a part in common with which obstacles (m): 0 or 1 (n, m)."""
    starts, ends = places[:, None], places[:, None] + length
    return ((starts < high - _SLACK) & (ends > low + _SLACK)).astype(np.float32)


def _free(corners: np.ndarray, size: Size, obstacles: np.ndarray) -> np.ndarray:
    """Those places that cover no obstacle."""
    in_rows = _meets(corners[:, 0], size[0], obstacles[:, 0], obstacles[:, 2])
    in_columns = _meets(corners[:, 1], size[1], obstacles[:, 1], obstacles[:, 3])
    return corners[(in_rows * in_columns).max(axis=1, initial=0.0) == 0]


def _distance(rectangles: np.ndarray, point: np.ndarray) -> np.ndarray:
    """How far rectangles (n, 4) are from a point."""
    return np.hypot(*(np.clip(point, rectangles[:, :2], rectangles[:, 2:]) - point).T)


def _rectangle(corner: np.ndarray, size: Size) -> Rectangle:
    row, column = (float(c) for c in corner)
    return row, column, row + size[0], column + size[1]


def crosses(line: tuple[Point, Point], rectangle: Rectangle) -> bool:
    """Whether a line has a part inside a rectangle (Liang and Barsky's clipping)."""
    start, step = np.array(line[0]), np.subtract(line[1], line[0])
    enter, leave = 0.0, 1.0
    for axis in (0, 1):
        low, high = rectangle[axis] - start[axis], rectangle[axis + 2] - start[axis]
        if abs(step[axis]) < _SLACK:
            if low >= 0 or high <= 0:
                return False
            continue
        first, last = sorted((low / step[axis], high / step[axis]))
        enter, leave = max(enter, first), min(leave, last)
    return enter < leave - _SLACK
