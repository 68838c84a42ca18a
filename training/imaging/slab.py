"""A slab: several millimetres of a volume in one picture, by their maximum, mean or minimum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .image import Image

KINDS: dict[str, Callable[..., Any]] = {"MIP": np.max, "mean": np.mean, "minIP": np.min}
"""Maximum intensity projection, mean, minimum intensity projection."""
LEAST, MOST = 5.0, 30.0
"""Millimetres of the thinnest and the thickest slab."""


@dataclass(frozen=True)
class Slab:
    """What is shown of a volume: slices (`kind` empty), or slabs of a `thickness` in mm.

    A slab holds the slice that is looked at and, on either side, those whose middle lies within half its thickness.

    Examples
    --------
    >>> Slab("MIP", 10.0).words, Slab("MIP", 10.0).beside(2.5), Slab("", 10.0).beside(2.5)
    ('MIP 10 mm', 2, 0)
    """

    kind: str = ""
    thickness: float = 10.0

    def __post_init__(self) -> None:
        if self.kind and self.kind not in KINDS:
            raise ValueError(f"a slab is one of {', '.join(KINDS)}, not {self.kind!r}")
        object.__setattr__(self, "thickness", float(np.clip(self.thickness, LEAST, MOST)))

    @property
    def words(self) -> str:
        """What must stand on every picture of it: ``MIP 10 mm``; empty for slices."""
        return f"{self.kind} {self.thickness:g} mm" if self.kind else ""

    def beside(self, spacing: float) -> int:
        """How many slices of this spacing (mm) it takes on either side of the one that is looked at."""
        return int(self.thickness / 2 / spacing + 1e-6) if self.kind else 0

    def reach(self, spacing: float) -> float:
        """Millimetres from the middle to either face: half a slice more than `beside`; 0 for slices."""
        return (self.beside(spacing) + 0.5) * spacing if self.kind else 0.0

    def next(self, step: int = 1) -> Slab:
        """The next (1) or previous (-1) kind: slices, MIP, mean, minIP, and slices again."""
        kinds = ("", *KINDS)
        return replace(self, kind=kinds[(kinds.index(self.kind) + step) % len(kinds)])

    def thicker(self, change: float) -> Slab:
        """One that is `change` mm thicker, within the limits."""
        return replace(self, thickness=self.thickness + change)


SLICE = Slab()
"""No slab: one slice."""


def cut(image: Image, axis: int, position: float, slab: Slab) -> Image:
    """A plane across an axis of a volume, or a slab round it.

    Parameters
    ----------
    image
        The volume (z, y, x).
    axis
        World axis that the plane lies across: 0 z, 1 y, 2 x.
    position
        Where on it, in mm; beyond the ends the last slice goes on.
    slab
        A slab is taken round the nearest slice; a plane is interpolated between two.

    Returns
    -------
    Image
        Picture of the two other axes, in their order, with their spacing and origin.
    """
    last = image.shape[axis] - 1
    index = float(np.clip((position - image.origin[axis]) / image.scale[axis], 0, last))
    if slab.kind:
        plane = projected(held(image, axis, round(index), slab), slab)
    else:
        below = int(index)
        part = index - below
        slices = np.moveaxis(image.voxels, axis, 0)
        plane = slices[below]
        if part > 1e-3:
            plane = plane * np.float32(1 - part) + slices[below + 1] * np.float32(part)
    others = [a for a in range(3) if a != axis]
    return Image(
        plane,
        spacing=tuple(image.scale[a] for a in others),
        origin=tuple(image.origin[a] for a in others),
    )


def held(image: Image, axis: int, index: int, slab: Slab) -> np.ndarray:
    """The slices (n, …) that a slab about a slice holds, the axis across first; a view of the volume."""
    beside = slab.beside(image.scale[axis])
    return np.moveaxis(image.voxels, axis, 0)[max(index - beside, 0) : index + beside + 1]


def projected(slices: np.ndarray, slab: Slab) -> np.ndarray:
    """The picture that a slab makes of its slices (n, …); of one slice, the slice."""
    if not slab.kind:
        return slices[0]
    more = {"dtype": np.float32} if slab.kind == "mean" else {}
    return np.asarray(KINDS[slab.kind](slices, axis=0, **more))
