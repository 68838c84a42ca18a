"""How a stored radiograph is turned, mirrored and inverted to be looked at: upright, the patient's right on the left, dark air.

The file stays as it is: arrays and positions are brought to the view and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from ..image import Image


@dataclass(frozen=True)
class Orientation:
    """What is done to the stored picture, in this order: mirrored left to right, turned anticlockwise, inverted.

    Parameters
    ----------
    quarters
        Quarter turns anticlockwise, 0–3.
    mirrored
        Whether left and right are exchanged, before the turn.
    inverted
        Whether bright and dark are exchanged.

    Examples
    --------
    >>> Orientation(quarters=1).apply(np.array([[1, 2], [3, 4]])).tolist()
    [[2, 4], [1, 3]]
    """

    quarters: int = 0
    mirrored: bool = False
    inverted: bool = False

    def __post_init__(self) -> None:
        if self.quarters not in range(4):
            raise ValueError(f"quarter turns are 0 to 3, not {self.quarters}")

    @property
    def transposes(self) -> bool:
        """Whether rows become columns."""
        return self.quarters % 2 == 1

    def apply(self, stored: np.ndarray) -> np.ndarray:
        """Turn a stored array (h, w), values as they are."""
        return np.rot90(stored[:, ::-1] if self.mirrored else stored, self.quarters)

    def undo(self, turned: np.ndarray) -> np.ndarray:
        """Bring a turned array back to how it was stored."""
        stored = np.rot90(turned, -self.quarters)
        return stored[:, ::-1] if self.mirrored else stored

    def turned(self, quarters: int) -> Orientation:
        """This view, turned further by quarters anticlockwise (negative: clockwise)."""
        return replace(self, quarters=(self.quarters + quarters) % 4)

    def flipped(self) -> Orientation:
        """This view, mirrored left to right as it is seen."""
        return replace(self, quarters=-self.quarters % 4, mirrored=not self.mirrored)

    def negative(self) -> Orientation:
        """This view with bright and dark exchanged."""
        return replace(self, inverted=not self.inverted)

    def index_to_stored(self, index: npt.ArrayLike, shape: Sequence[int]) -> np.ndarray:
        """Indices (…, 2) in the stored array, of `shape` (h, w), of fractional indices (…, 2) in the turned one."""
        index = np.asarray(index, float)
        height, width = shape
        y, x = index[..., 0], index[..., 1]
        stored = {
            0: (y, x),
            1: (x, width - 1 - y),
            2: (height - 1 - y, width - 1 - x),
            3: (height - 1 - x, y),
        }[self.quarters]
        row, column = stored
        return np.stack([row, width - 1 - column if self.mirrored else column], axis=-1)

    @property
    def screen_axes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Stored axis (0 y, 1 x) that runs down as it is looked at, and the one to the right; −1 where it runs the other way."""
        corner, below, beside = self.index_to_stored([(0, 0), (1, 0), (0, 1)], (1, 1))
        return _axis(below - corner), _axis(beside - corner)

    @property
    def words(self) -> str:
        """``turned by 90° clockwise, mirrored``; empty for the picture as it is stored."""
        turn = {0: "", 1: "turned by 90° anticlockwise", 2: "turned by 180°", 3: "turned by 90° clockwise"}
        parts = (
            "mirrored" if self.mirrored else "",
            turn[self.quarters],
            "inverted" if self.inverted else "",
        )
        return ", ".join(part for part in parts if part)


def _axis(step: np.ndarray) -> tuple[int, int]:
    axis = int(np.abs(step).argmax())
    return axis, int(np.sign(step[axis]))


AS_STORED = Orientation()
ORIENTATIONS = tuple(Orientation(q, m, i) for i, m, q in product((False, True), (False, True), range(4)))
"""All sixteen: the eight of a square, each as stored and inverted."""


def turn(image: Image, orientation: Orientation) -> Image:
    """Turn, mirror and invert a radiograph.

    Its first pixel lies at the world's origin: `WorldMap` leads from its world back to that of the stored image.

    Raises
    ------
    ValueError
        The image is a volume.
    """
    if image.ndim != 2:
        raise ValueError("a radiograph is turned, not a volume")
    if orientation == AS_STORED:
        return image
    voxels, window = orientation.apply(image.voxels), image.window
    if orientation.inverted:
        low, high = (v.item() for v in (image.voxels.min(), image.voxels.max()))
        # Python's numbers do not overflow: low + high may not fit the pixels' type, what is left of it does.
        voxels = (low + high - voxels.astype(np.float64)).astype(voxels.dtype)
        window = None if window is None else (low + high - window[0], window[1])
    spacing = image.spacing
    if spacing is not None and orientation.transposes:
        spacing = spacing[::-1]
    return replace(
        image, voxels=np.ascontiguousarray(voxels), spacing=spacing, origin=(0.0, 0.0), window=window
    )


@dataclass(frozen=True)
class WorldMap:
    """From the world of a turned image to that of the stored one; both (y, x), in mm or pixels.

    Parameters
    ----------
    orientation
        How it was turned.
    shape, scale, origin
        Of the stored image.
    """

    orientation: Orientation
    shape: tuple[int, int]
    scale: tuple[float, float]
    origin: tuple[float, float]

    @classmethod
    def of(cls, stored: Image, orientation: Orientation) -> WorldMap:
        """The map for an image."""
        height, width = stored.shape
        return cls(
            orientation,
            (height, width),
            (stored.scale[0], stored.scale[1]),
            (stored.origin[0], stored.origin[1]),
        )

    @property
    def turned_scale(self) -> tuple[float, float]:
        """World units for one pixel of the turned image."""
        return self.steps(self.scale)

    def steps(self, steps: Sequence[float]) -> tuple[float, float]:
        """Steps along (y, x) of one image as steps along (y, x) of the other, without their signs."""
        y, x = steps
        return (x, y) if self.orientation.transposes else (y, x)

    def to_stored(self, world: npt.ArrayLike) -> np.ndarray:
        """Positions (…, 2) in the stored image's world of positions in the turned one's."""
        index = np.asarray(world, float) / self.turned_scale
        return self.orientation.index_to_stored(index, self.shape) * self.scale + self.origin

    def grid_to_stored(
        self, values: np.ndarray, spacing: Sequence[float], origin: Sequence[float]
    ) -> tuple[np.ndarray, tuple[float, float], tuple[float, float]]:
        """Values on a grid in the turned world as values, spacing and origin on the stored one."""
        last = np.asarray(origin) + (np.asarray(values.shape) - 1) * np.asarray(spacing)
        corners = self.to_stored(np.array([origin, last], float))
        low = corners.min(axis=0)
        return self.orientation.undo(values), self.steps(spacing), (float(low[0]), float(low[1]))
