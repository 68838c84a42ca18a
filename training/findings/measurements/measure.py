"""Read the values of a measurement from its image: lengths, angles, areas, and the values inside a region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...imaging.image import Image
from ...imaging.radiograph.pixel_size import Scale
from ...imaging.slab import SLICE, Slab, held, projected
from ...imaging.streamed import fraction_of
from .measurement import Kind, Measurement, Points


def scale_of(image: Image) -> Scale:
    """What lengths (in the image's units) are divided by, and what is said of them: nothing for volumes and for pixels."""
    return Scale() if image.ndim == 3 or image.spacing is None else Scale.of(image.metadata)


def measure(
    image: Image,
    kind: Kind,
    points: Sequence[Sequence[float]],
    axis: int | None = None,
    slab: Slab = SLICE,
) -> Measurement:
    """Measure something that was drawn by hand.

    Parameters
    ----------
    image
        What it was drawn on.
    kind, points, axis, slab
        As of a `Measurement`.

    Returns
    -------
    Measurement
        New, with its values.

    Raises
    ------
    ValueError
        The points do not suit the kind, or do not lie on one slice.
    """
    return remeasured(image, Measurement(kind, tuple(tuple(p) for p in points), axis, slab=slab))


def remeasured(image: Image, measurement: Measurement) -> Measurement:
    """Read the values anew, for the points as they are now; what only the nodule's edge can tell (volume, outline) goes."""
    scale = scale_of(image)
    points = np.asarray(measurement.points)
    if measurement.axis is not None:
        points = np.delete(points, measurement.axis, axis=1)
    values: dict[str, float] = {}
    if measurement.kind == "line":
        values = {"length": _length(points) / scale.divisor}
    elif measurement.kind == "angle":
        values = {"angle": angle(points)}
    elif measurement.kind == "axes":
        lengths = _length(points[:2]) / scale.divisor, _length(points[2:]) / scale.divisor
        values = {"long": lengths[0], "short": lengths[1]}
    else:
        sides = np.abs(points[1] - points[0]) / scale.divisor
        part = np.pi / 4 if measurement.kind == "ellipse" else 1.0
        values = {"area": float(sides.prod()) * part, **_statistics(image, measurement)}
    words = "" if measurement.kind == "angle" else scale.words
    return measurement.with_(values=values, plane=words, outline=(), notes=())


def angle(points: Sequence[Sequence[float]] | np.ndarray) -> float:
    """The angle in degrees, 0 to 180, between the arms from the second point to the first and the third; 0 without an arm."""
    one, other = np.subtract(points[0], points[1]), np.subtract(points[2], points[1])
    across = one[0] * other[1] - one[1] * other[0]
    return float(np.degrees(np.arctan2(abs(across), float(one @ other))))


def slice_index(image: Image, axis: int, position: float) -> int:
    """The slice of a volume that lies nearest to a position (mm) on an axis; it may lie outside."""
    return int(np.floor((position - image.origin[axis]) / image.scale[axis] + 0.5))


def inside(image: Image, measurement: Measurement) -> np.ndarray:
    """Values of the pixels whose centres lie inside an ellipse or a rectangle (n,), of a slab those of its projection.

    The one pixel under its middle, where it is smaller than a pixel and holds no centre; none where it lies outside of the image.
    """
    corners = image.to_index(np.asarray(measurement.points))
    slices = image.voxels[None]
    if measurement.axis is not None:
        index = slice_index(image, measurement.axis, measurement.points[0][measurement.axis])
        if not 0 <= index < image.shape[measurement.axis]:
            return np.empty(0)
        slices = held(image, measurement.axis, index, measurement.slab)
        corners = np.delete(corners, measurement.axis, axis=1)
    shape = slices.shape[1:]
    low, high = corners.min(axis=0), corners.max(axis=0)
    first = np.clip(np.ceil(low - 1e-9).astype(int), 0, shape)
    last = np.clip(np.floor(high + 1e-9).astype(int) + 1, 0, shape)
    patch = projected(slices[:, first[0] : last[0], first[1] : last[1]], measurement.slab)
    if measurement.kind == "ellipse" and patch.size:
        middle, half = (low + high) / 2, np.maximum((high - low) / 2, 1e-9)
        down, right = (
            (np.arange(a, b) - m) / h for a, b, m, h in zip(first, last, middle, half, strict=True)
        )
        patch = patch[down[:, None] ** 2 + right[None, :] ** 2 <= 1 + 1e-9]
    if not patch.size:
        nearest = np.floor((low + high) / 2 + 0.5).astype(int)
        within = (nearest >= 0).all() and (nearest < shape).all()
        return projected(slices[:, *nearest], measurement.slab).reshape(1) if within else np.empty(0)
    return patch.ravel()


def _statistics(image: Image, measurement: Measurement) -> dict[str, float]:
    """Mean, standard deviation (of all pixels: divided by their number), least and greatest value.

    Nothing outside the image, and nothing while a study comes from a server: what is not there yet looks like air, and a mean of it
    would be saved as one of the patient.
    """
    if fraction_of(image) < 1:
        return {}
    values = inside(image, measurement).astype(np.float64)
    if not values.size:
        return {}
    return {
        "mean": float(values.mean()),
        "std": float(values.std()),
        "min": float(values.min()),
        "max": float(values.max()),
    }


def _length(points: np.ndarray) -> float:
    return float(np.linalg.norm(points[1] - points[0]))


def moved(measurement: Measurement, index: int, to: Sequence[float]) -> Measurement:
    """Move one point of a measurement to a world position on its slice; the axes of a nodule stay perpendicular.

    An end of the long axis takes the short one along; an end of the short axis goes as far from the long one as `to` lies, where
    `to` lies along it. Values are those of before: `remeasured` reads them anew.
    """
    points = [list(p) for p in measurement.points]
    points[index] = list(to)
    if measurement.axis is not None:
        points[index][measurement.axis] = measurement.points[index][measurement.axis]
    if measurement.kind == "axes":
        points = _perpendicular(np.asarray(measurement.points), np.asarray(points), index, measurement.axis)
    return measurement.with_(points=_tuples(points))


def shifted(measurement: Measurement, by: Sequence[float] | np.ndarray) -> Measurement:
    """Move a measurement as a whole by a world vector; it stays on its slice."""
    step = np.asarray(by, float).copy()
    if measurement.axis is not None:
        step[measurement.axis] = 0.0
    return measurement.with_(points=_tuples(np.asarray(measurement.points) + step))


def _perpendicular(before: np.ndarray, after: np.ndarray, index: int, axis: int | None) -> list[list[float]]:
    """Ends of both axes (4, n), the second perpendicular to the first, after one of them was moved."""
    old, new = before[1] - before[0], after[1] - after[0]
    if not np.linalg.norm(new) > 0 or not np.linalg.norm(old) > 0:
        return before.tolist()
    across = _across(new, axis)
    foot_at = float((before[2] - before[0]) @ old / (old @ old))
    reach = [float((before[k] - before[0]) @ _across(old, axis)) for k in (2, 3)]
    if index >= 2:
        foot_at = float(np.clip((after[index] - after[0]) @ new / (new @ new), 0, 1))
        reach[index - 2] = float((after[index] - after[0]) @ across)
    foot = after[0] + foot_at * new
    return [*after[:2].tolist(), *((foot + r * across).tolist() for r in reach)]


def _across(vector: np.ndarray, axis: int | None) -> np.ndarray:
    """The unit vector in the slice at a right angle to a vector in it."""
    y, x = (i for i in range(len(vector)) if i != axis)
    turned = np.zeros(len(vector))
    turned[y], turned[x] = -vector[x], vector[y]
    return turned / np.linalg.norm(turned)


def _tuples(points: Sequence[Sequence[float]] | np.ndarray) -> Points:
    return tuple(tuple(float(c) for c in point) for point in points)
