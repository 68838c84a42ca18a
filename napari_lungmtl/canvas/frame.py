"""Where the world lies on a picture of one of its planes: napari's canvas, a pane beside it, or any other. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel

from ..layers.planes import ORDERS, UPRIGHT, slab_reach
from ..layers.rectangle import Rectangle
from ..training.imaging.image import Image
from .sides import edges

MARGIN = 0.02
"""Part of a picture that stays free round a volume that fills it."""


@dataclass(frozen=True)
class Frame:
    """A rectangle of pixels that shows a plane of the world (LPS mm), or a radiograph, at its true proportions.

    Parameters
    ----------
    order
        World axes (0 z, 1 y, 2 x): the one across the plane, those that run down and to the right. Of a radiograph (0 y, 1 x)
        the last two only.
    signs
        1 or −1 where coordinates grow or fall downwards, and to the right.
    center
        World coordinates of the middle of the rectangle, along the axes down and right.
    mm
        Millimetres of a pixel; of a radiograph without millimetres its own pixels.
    size
        Height and width in pixels.
    position, reach
        Where on the axis across it the plane lies, and how far a slab reaches from there on either side, in mm.
    """

    order: tuple[int, ...]
    signs: tuple[int, int] = (1, 1)
    center: tuple[float, float] = (0.0, 0.0)
    mm: float = 1.0
    size: tuple[int, int] = (1, 1)
    position: float = 0.0
    reach: float = 0.0

    @classmethod
    def of_plane(cls, plane: str) -> Frame:
        """How radiologists hold an ``"axial"``, ``"coronal"`` or ``"sagittal"`` plane."""
        z, down, right = ORDERS[plane]
        return cls((z, down, right), (-1 if plane in UPRIGHT else 1, 1))

    @classmethod
    def of_canvas(cls, viewer: ViewerModel, size: tuple[int, int], ndim: int = 3) -> Frame | None:
        """What napari's canvas shows of an image with `ndim` axes; None in 3-D, and where its slices are not what is shown.

        Parameters
        ----------
        viewer
            A viewer, or a bare ``ViewerModel``.
        size
            Height and width of the canvas in pixels, as Qt and napari's zoom count them.
        ndim
            Axes of the image: a radiograph beside volumes has the last two of the viewer's.
        """
        dims, camera = viewer.dims, viewer.scene.camera
        offset = dims.ndim - ndim
        shown = [axis - offset for axis in dims.displayed[-2:]]
        if dims.ndisplay != 2 or min(shown) < 0 or not camera.zoom > 0:
            return None
        vertical, horizontal = (str(word) for word in camera.orientation2d)
        across = [axis for axis in range(ndim) if axis not in shown]
        y, x = (float(c) for c in camera.center[-2:])
        return cls(
            order=(*across, *shown),
            signs=(1 if vertical == "down" else -1, 1 if horizontal == "right" else -1),
            center=(y, x),
            mm=1 / float(camera.zoom),
            size=size,
            position=float(dims.point[offset + across[0]]) if across else 0.0,
            reach=slab_reach(viewer, offset + across[0]) if across else 0.0,
        )

    @property
    def axis(self) -> int | None:
        """World axis across the plane; None of a radiograph."""
        return self.order[0] if len(self.order) == 3 else None

    @property
    def axes(self) -> tuple[int, int]:
        """World axes that run down and to the right."""
        return self.order[-2], self.order[-1]

    @property
    def sides(self) -> dict[str, str]:
        """Letters of what lies at the edges of a plane of a volume: see `canvas.sides.edges`."""
        down, right = self.signs
        return edges(self.order, "down" if down > 0 else "up", "right" if right > 0 else "left")

    def fitting(self, image: Image, size: tuple[int, int]) -> Frame:
        """The same plane with all of a volume in `size` pixels."""
        low, high = image.extent
        shown = list(self.axes)
        middle = (low + high)[shown] / 2
        mm = float(((high - low)[shown] / np.maximum(size, 1)).max()) / (1 - MARGIN)
        return replace(self, center=(float(middle[0]), float(middle[1])), mm=mm, size=size)

    def holding(self, world: npt.ArrayLike, part: float = 0.8) -> Frame:
        """The same, moved no further than needed to have a world point (z, y, x) in the middle `part` of the picture."""
        point = np.asarray(world, float)[list(self.axes)]
        half = np.asarray(self.size) * self.mm * part / 2
        middle = np.clip(self.center, point - half, point + half)
        return replace(self, center=(float(middle[0]), float(middle[1])))

    def to_screen(self, world: npt.ArrayLike) -> np.ndarray:
        """Pixels (…, 2), x and y from the upper left corner, of world points (…, 3), or (…, 2) of a radiograph."""
        return self.plane_to_screen(np.asarray(world, float)[..., list(self.axes)])

    def plane_to_screen(self, plane: npt.ArrayLike) -> np.ndarray:
        """Pixels (…, 2), x and y, of coordinates (…, 2) along the axes down and right."""
        away = (np.asarray(plane, float) - self.center) * self.signs / self.mm
        return (away + np.asarray(self.size) / 2)[..., ::-1]

    def rectangle(self, low: npt.ArrayLike, high: npt.ArrayLike) -> Rectangle:
        """The upright rectangle of pixels between two world points."""
        ends = self.to_screen(np.array([low, high], float))
        (left, top), (right, bottom) = ends.min(axis=0), ends.max(axis=0)
        return float(top), float(left), float(bottom), float(right)

    def to_world(self, x: float, y: float) -> tuple[float, ...]:
        """The world point of the plane that a pixel shows."""
        away = (np.array([y, x]) - np.asarray(self.size) / 2) * self.signs * self.mm
        point = [self.position] * len(self.order)
        for axis, place in zip(self.axes, (np.asarray(self.center) + away).tolist(), strict=True):
            point[axis] = place
        return tuple(point)
