"""Which plane of the world a canvas shows, and where on it a point of the world lies: for napari's canvas and any other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.components import ViewerModel

from ...layers.planes import slab_reach
from ...layers.rectangle import Rectangle


@dataclass(frozen=True)
class SliceView:
    """A slice of a volume, or a radiograph, on a canvas.

    Parameters
    ----------
    axes
        World axes (of z, y, x or of y, x) that run down and across the canvas.
    scale
        Pixels of a world unit down and to the right; negative where an axis runs the other way.
    middle
        World position along `axes` in the middle of the canvas.
    size
        Height and width of the canvas in pixels.
    across
        The world axis that the slice lies across; None for a radiograph.
    position
        Where on it.
    reach
        How far a slab reaches from there on either side; 0 for a slice.
    """

    axes: tuple[int, int]
    scale: tuple[float, float]
    middle: tuple[float, float]
    size: tuple[float, float]
    across: int | None = None
    position: float = 0.0
    reach: float = 0.0

    @classmethod
    def of(cls, viewer: ViewerModel, size: tuple[float, float], ndim: int) -> SliceView | None:
        """What napari's canvas shows of an image with `ndim` axes; None in 3-D, and where its slices are not what is shown.

        Parameters
        ----------
        viewer
            A viewer, or a bare ``ViewerModel``.
        size
            Height and width of the canvas in pixels, as Qt and napari's zoom count them.
        ndim
            Axes of the image.
        """
        dims, camera = viewer.dims, viewer.scene.camera
        down, right = (axis - dims.ndim + ndim for axis in dims.displayed[-2:])
        if dims.ndisplay != 2 or min(down, right) < 0 or not camera.zoom > 0:
            return None
        vertical, horizontal = (str(word) for word in camera.orientation2d)
        zoom = float(camera.zoom)
        rest = [axis for axis in range(ndim) if axis not in (down, right)]
        across = rest[0] if rest else None
        return cls(
            (down, right),
            (zoom if vertical == "down" else -zoom, zoom if horizontal == "right" else -zoom),
            (float(camera.center[-2]), float(camera.center[-1])),
            size,
            across,
            0.0 if across is None else float(dims.point[dims.ndim - ndim + across]),
            0.0 if across is None else slab_reach(viewer, dims.ndim - ndim + across),
        )

    @property
    def pixels(self) -> float:
        """Pixels of a world unit."""
        return abs(self.scale[0])

    def to_screen(self, points: np.ndarray) -> np.ndarray:
        """Pixels (n, 2), down and to the right from the upper left of the canvas, of world points (n, ndim)."""
        shown = np.asarray(points, float)[:, list(self.axes)]
        return (shown - self.middle) * self.scale + np.array(self.size) / 2

    def rectangle(self, low: object, high: object) -> Rectangle:
        """The upright rectangle on the screen between two world points."""
        ends = self.to_screen(np.array([low, high], float))
        (top, left), (bottom, right) = ends.min(axis=0), ends.max(axis=0)
        return float(top), float(left), float(bottom), float(right)
