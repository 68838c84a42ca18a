"""Boxes in NumPy: area, intersection over union, points inside; for tensors there is `torchvision.ops`.

Boxes are x0, y0, x1, y1 in pixels, edge coordinates: a box over the pixel columns 3 to 5 runs from 3 to 6.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def box_area(boxes: np.ndarray) -> np.ndarray:
    """Compute areas (…) of boxes (…, 4), in square pixels."""
    return (boxes[..., 2:] - boxes[..., :2]).prod(-1)


def box_iou(a: npt.ArrayLike, b: npt.ArrayLike) -> np.ndarray:
    """Compute the intersection over union (n, m) of boxes (n, 4) and (m, 4), 0–1; 0 where both are without area."""
    one = np.asarray(a, float).reshape(-1, 1, 4)
    two = np.asarray(b, float).reshape(1, -1, 4)
    sides = np.minimum(one[..., 2:], two[..., 2:]) - np.maximum(one[..., :2], two[..., :2])
    both = np.clip(sides, 0, None).prod(-1)
    union = box_area(one) + box_area(two) - both
    return np.divide(both, union, out=np.zeros_like(both), where=union > 0)


def contains(boxes: npt.ArrayLike, points: npt.ArrayLike) -> np.ndarray:
    """Test which boxes (n, 4) hold which points (m, 2) x, y: boolean (n, m); the right and lower edges are outside."""
    box = np.asarray(boxes, float).reshape(-1, 1, 4)
    point = np.asarray(points, float).reshape(1, -1, 2)
    return np.all((point >= box[..., :2]) & (point < box[..., 2:]), axis=-1)


def window_corner(boxes: np.ndarray, side: int, window: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the corner (x, y) of a square window in a picture (side, side), around one of the boxes (n, 4), or anywhere without any.

    The box lies anywhere in the window, but for a margin of half its own size.
    """
    room = side - window
    low = rng.integers(0, room + 1, 2)
    if len(boxes):
        x0, y0, x1, y1 = (float(v) for v in boxes[rng.integers(len(boxes))])
        spread = np.maximum((window - 2 * np.array([x1 - x0, y1 - y0])) / 2, 0)
        middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2]) + rng.uniform(-1, 1, 2) * spread
        low = np.clip(np.rint(middle - window / 2), 0, room)
    return int(low[0]), int(low[1])
