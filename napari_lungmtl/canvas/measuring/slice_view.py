"""The slice on the canvas: from world points to the canvas's pixels and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from qtpy.QtWidgets import QWidget

from ...training.findings import Measurement
from ...training.findings.measurements.measure import slice_index
from ...training.imaging.image import Image


@dataclass(frozen=True)
class SliceView:
    """How one slice of an image, or a radiograph, lies on the canvas.

    Parameters
    ----------
    image
        Whose slice it is.
    axes
        The world axes that run down and across: of (z, y, x), or of (y, x).
    signs
        1 where they run down and to the right, −1 where they run up or to the left.
    axis, position
        The world axis that the slice lies across, and where on it (mm) its voxels' centres lie; None on a radiograph.
    middle
        World positions on `axes` in the middle of the canvas.
    zoom
        Pixels (of Qt, not of the screen) for one unit of the world.
    size
        Width and height of the canvas in the same pixels.
    """

    image: Image
    axes: tuple[int, int]
    signs: tuple[int, int]
    axis: int | None
    position: float
    middle: tuple[float, float]
    zoom: float
    size: tuple[int, int]

    @classmethod
    def now(cls, viewer: ViewerModel, image: Image | None, canvas: QWidget) -> SliceView | None:
        """What the canvas shows; None in 3-D, and where the image's axes are not those of the canvas."""
        dims, camera = viewer.dims, viewer.scene.camera
        if image is None or dims.ndisplay != 2:
            return None
        offset = dims.ndim - image.ndim  # a radiograph beside volumes has the last two axes
        down, across = (axis - offset for axis in dims.displayed)
        if min(down, across) < 0:
            return None
        axis, position = None, 0.0
        if image.ndim == 3:
            axis = 3 - down - across
            index = slice_index(image, axis, dims.point[axis + offset])
            position = image.origin[axis] + index * image.scale[axis]
        vertical, horizontal = camera.orientation2d
        return cls(
            image=image,
            axes=(down, across),
            signs=(1 if vertical == "down" else -1, 1 if horizontal == "right" else -1),
            axis=axis,
            position=position,
            middle=(float(camera.center[-2]), float(camera.center[-1])),
            zoom=max(float(camera.zoom), 1e-6),  # in Qt's pixels, whatever the screen has
            size=(canvas.width(), canvas.height()),
        )

    def to_canvas(self, points: npt.ArrayLike) -> np.ndarray:
        """Pixels (…, 2), x and y, of world points (…, ndim)."""
        away = np.asarray(points, float)[..., list(self.axes)] - self.middle
        rows, columns = (away[..., k] * self.signs[k] * self.zoom for k in (0, 1))
        return np.stack([columns + self.size[0] / 2, rows + self.size[1] / 2], axis=-1)

    def to_world(self, x: float, y: float) -> tuple[float, ...]:
        """The world point on the slice under a pixel."""
        away = ((y - self.size[1] / 2) / self.zoom, (x - self.size[0] / 2) / self.zoom)
        point = [self.position] * self.image.ndim
        for k, axis in enumerate(self.axes):
            point[axis] = self.middle[k] + away[k] * self.signs[k]
        return tuple(point)

    def shows(self, measurement: Measurement) -> bool:
        """Whether a measurement was drawn on this slice."""
        if measurement.axis != self.axis or self.axis is None:
            return measurement.axis == self.axis
        index = slice_index(self.image, self.axis, self.position)
        return slice_index(self.image, self.axis, measurement.points[0][self.axis]) == index

    def step(self, x: float, y: float) -> np.ndarray:
        """The world vector of a way on the canvas."""
        return np.subtract(self.to_world(x, y), self.to_world(0, 0))


def corners(points: Sequence[Sequence[float]], axes: tuple[int, int]) -> list[tuple[float, ...]]:
    """The four corners of an upright rectangle from two opposite ones, in the order of `corner_sources`."""
    result = []
    for sources in corner_sources():
        corner = list(points[0])
        for axis, source in zip(axes, sources, strict=True):
            corner[axis] = points[source][axis]
        result.append(tuple(corner))
    return result


def corner_sources() -> tuple[tuple[int, int], ...]:
    """For each corner which of the two points gives its place down and its place across, round the rectangle."""
    return ((0, 0), (0, 1), (1, 1), (1, 0))
