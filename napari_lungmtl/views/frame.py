"""Where the world lies on a picture of one of its planes: no Qt, no napari."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..canvas.sides import edges
from ..layers.planes import ORDERS, UPRIGHT
from ..training.imaging.image import Image
from ..training.imaging.resample import sample_grid

MARGIN = 0.02
"""Part of a picture that stays free round a volume that fills it."""


@dataclass(frozen=True)
class Frame:
    """A rectangle of pixels that shows a plane of the world (LPS mm) at its true proportions.

    Parameters
    ----------
    order
        World axes (0 z, 1 y, 2 x): the one across the plane, those that run down and to the right.
    signs
        1 or −1 where coordinates grow or fall downwards, and to the right.
    center
        World coordinates of the middle of the rectangle, along the axes down and right.
    mm
        Millimetres of a pixel.
    size
        Height and width in pixels.
    """

    order: tuple[int, int, int]
    signs: tuple[int, int] = (1, 1)
    center: tuple[float, float] = (0.0, 0.0)
    mm: float = 1.0
    size: tuple[int, int] = (1, 1)

    @classmethod
    def of_plane(cls, plane: str) -> Frame:
        """How radiologists hold an ``"axial"``, ``"coronal"`` or ``"sagittal"`` plane."""
        z, down, right = ORDERS[plane]
        return cls((z, down, right), (-1 if plane in UPRIGHT else 1, 1))

    @property
    def axis(self) -> int:
        """World axis across the plane."""
        return self.order[0]

    @property
    def sides(self) -> dict[str, str]:
        """Letters of what lies at the edges: see `canvas.sides.edges`."""
        down, right = self.signs
        return edges(self.order, "down" if down > 0 else "up", "right" if right > 0 else "left")

    def fitting(self, image: Image, size: tuple[int, int]) -> Frame:
        """The same plane with all of a volume in `size` pixels."""
        low, high = image.extent
        shown = list(self.order[1:])
        middle = (low + high)[shown] / 2
        mm = float(((high - low)[shown] / np.maximum(size, 1)).max()) / (1 - MARGIN)
        return replace(self, center=(float(middle[0]), float(middle[1])), mm=mm, size=size)

    def holding(self, world: npt.ArrayLike, part: float = 0.8) -> Frame:
        """The same, moved no further than needed to have a world point (z, y, x) in the middle `part` of the picture."""
        point = np.asarray(world, float)[list(self.order[1:])]
        half = np.asarray(self.size) * self.mm * part / 2
        middle = np.clip(self.center, point - half, point + half)
        return replace(self, center=(float(middle[0]), float(middle[1])))

    def to_screen(self, world: npt.ArrayLike) -> np.ndarray:
        """Pixels (…, 2), x and y from the upper left corner, of world points (…, 3)."""
        return self.plane_to_screen(np.asarray(world, float)[..., list(self.order[1:])])

    def plane_to_screen(self, plane: npt.ArrayLike) -> np.ndarray:
        """Pixels (…, 2), x and y, of coordinates (…, 2) along the axes down and right."""
        away = (np.asarray(plane, float) - self.center) * self.signs / self.mm
        return (away + np.asarray(self.size) / 2)[..., ::-1]

    def to_world(self, x: float, y: float) -> dict[int, float]:
        """World coordinates of a pixel, by axis; that of the axis across is the plane's own."""
        away = (np.array([y, x]) - np.asarray(self.size) / 2) * self.signs * self.mm
        down, right = (np.asarray(self.center) + away).tolist()
        return {self.order[1]: down, self.order[2]: right}


def sample(frame: Frame, plane: Image) -> tuple[np.ndarray, tuple[int, int]]:
    """Interpolate a plane's values for the pixels of a frame that lie on it.

    Parameters
    ----------
    frame
        In the screen's own pixels.
    plane
        Its two axes rise in the world, in world order, as `slab.cut` gives them; a frame whose axes are the other way
        round gets it transposed.

    Returns
    -------
    values : ndarray
        float32 (rows, columns); (0, 0) where nothing of the plane is in the frame.
    corner : tuple of int
        Row and column of the first pixel in the frame.
    """
    if frame.order[1] > frame.order[2]:
        plane = replace(
            plane, voxels=plane.voxels.T, spacing=plane.scale[::-1], origin=tuple(plane.origin)[::-1]
        )
    low, high = plane.extent
    first, count, starts = [], [], []
    for axis in range(2):
        ends = (np.array([low[axis], high[axis]]) - frame.center[axis]) * frame.signs[axis] / frame.mm
        from_, to = np.sort(ends) + frame.size[axis] / 2
        start = int(
            np.clip(np.ceil(from_ - 0.5), 0, frame.size[axis])
        )  # pixels whose middle lies on the plane
        stop = int(np.clip(np.floor(to - 0.5) + 1, start, frame.size[axis]))
        lowest = start if frame.signs[axis] > 0 else stop - 1
        first.append(start)
        count.append(stop - start)
        starts.append(
            frame.center[axis] + frame.signs[axis] * frame.mm * (lowest + 0.5 - frame.size[axis] / 2)
        )
    if 0 in count:
        return np.zeros((0, 0), np.float32), (0, 0)
    values = sample_grid(plane, starts, count, frame.mm).voxels
    return values[:: frame.signs[0], :: frame.signs[1]], (first[0], first[1])
