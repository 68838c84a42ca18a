"""What all views of a volume show together: no Qt, no napari."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..canvas.frame import Frame
from ..training.findings import Finding
from ..training.imaging.image import Image
from ..training.imaging.slab import Slab
from .marks import Mark, Rgba, marks_of, squares_of

GRAY = tuple(0xFF000000 + 0x010101 * level for level in range(256))
"""256 grey levels as Qt's colours."""


@dataclass(frozen=True)
class Truth:
    """True nodules: world `centers` (n, 3) and `diameters` (n,) in mm, drawn in a `color`."""

    centers: np.ndarray
    diameters: np.ndarray
    color: Rgba


@dataclass(frozen=True, eq=False)
class Scene:
    """A volume, where one is in it, and what is drawn over it.

    Parameters
    ----------
    image
        The volume.
    point
        World point (z, y, x) under the crosshair, in mm.
    slab
        Slices, or slabs.
    limits
        Window (low, high).
    table
        Colours of 256 levels, as Qt has them.
    findings, selection, truths
        What is drawn; nothing where overlays are off.
    zoom
        1 shows all of the volume.
    """

    image: Image
    point: tuple[float, float, float]
    slab: Slab = field(default_factory=Slab)
    limits: tuple[float, float] = (0.0, 1.0)
    table: tuple[int, ...] = GRAY
    findings: Sequence[Finding] = ()
    selection: Sequence[str] = ()
    truths: Sequence[Truth] = ()
    zoom: float = 1.0

    def frame(self, frame: Frame) -> Frame:
        """The same picture, of the plane or slab through the point."""
        axis = frame.order[0]
        return replace(frame, position=self.point[axis], reach=self.slab.reach(self.image.scale[axis]))

    def marks(self, frame: Frame) -> tuple[Mark, ...]:
        """What the plane of a picture shows of findings, and of the truth over them."""
        step = self.image.scale[frame.order[0]]
        truth = (
            mark for t in self.truths for mark in squares_of(t.centers, t.diameters, t.color, frame, step)
        )
        # The truth last, as on the canvas: a ring must not hide the square of the nodule that it hits.
        return (*marks_of(self.findings, self.selection, frame, step), *truth)
