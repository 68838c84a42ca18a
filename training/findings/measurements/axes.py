"""Long and short axis of an outline, as RECIST 1.1 and Lung-RADS measure: the longest diameter, and the longest across it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEPS = 200
"""Places along the long axis where the width is looked at."""


@dataclass(frozen=True)
class Axes:
    """Ends of the long and of the short axis, (2, 2) each, and their lengths, in the units of the outline."""

    long: np.ndarray
    short: np.ndarray
    length: float
    width: float


def axes_of(outline: np.ndarray) -> Axes:
    """Find the longest diameter of an outline and the longest chord perpendicular to it.

    Parameters
    ----------
    outline
        (n, 2) positions in mm (or any units), closed or not. A chord runs from the outline's one side to its other, also across
        a dent, as a caliper on the screen does.

    Raises
    ------
    ValueError
        It has fewer than three points that are not on one line.
    """
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import cdist

    outline = np.asarray(outline, float)
    try:
        hull = outline[ConvexHull(outline).vertices]
    except (QhullError, ValueError) as error:
        raise ValueError("an outline has at least three points that are not on one line") from error
    distances = cdist(hull, hull)
    i, j = np.unravel_index(int(distances.argmax()), distances.shape)
    long = hull[[i, j]]
    length = float(distances[i, j])
    along = (long[1] - long[0]) / length
    across = np.array([-along[1], along[0]])
    u, v = (outline - long[0]) @ along, (outline - long[0]) @ across
    place, low, high = _widest(u, v, length)
    short = np.array([long[0] + place * along + side * across for side in (low, high)])
    return Axes(long, short, length, float(high - low))


def _widest(u: np.ndarray, v: np.ndarray, length: float) -> tuple[float, float, float]:
    """Where along u a closed polygon is widest in v: the place, and v on both sides."""
    first, second = np.append(u, u[0]), np.append(v, v[0])
    start, end = first[:-1], first[1:]
    places = np.unique(np.concatenate([np.linspace(0, length, _STEPS + 2)[1:-1], u[(u > 0) & (u < length)]]))
    crosses = (np.minimum(start, end) <= places[:, None]) & (places[:, None] <= np.maximum(start, end))
    run = np.where(end == start, 1.0, end - start)
    at = second[:-1] + (places[:, None] - start) / run * (second[1:] - second[:-1])
    low = np.where(crosses, at, np.inf).min(axis=1)
    high = np.where(crosses, at, -np.inf).max(axis=1)
    best = int(np.argmax(high - low))
    return float(places[best]), float(low[best]), float(high[best])
