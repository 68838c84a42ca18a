"""Measure a nodule by its mask in a CT: volume, axes, Hounsfield units, and how much of it is solid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...imaging.image import Image
from ..geometry import Mask
from .axes import Axes, axes_of

SOLID = -300.0
"""HU above which tissue counts as solid: between ground glass (about −700 to −400) and soft tissue (about 0 to 60)."""


@dataclass(frozen=True)
class MaskValues:
    """What a mask measures.

    Parameters
    ----------
    volume
        In mm³.
    diameter
        Of the ball of that volume, in mm.
    long, short
        In mm, on the axial slice where the mask is longest: its longest diameter, and the longest across it.
    position, axes, outline
        World z of that slice, its two axes and the mask's edge there (n, 2) as y, x in mm.
    mean, std, min, max
        HU of the CT's voxels inside.
    solid
        Part of the volume (0–1) that is denser than `SOLID`.
    """

    volume: float
    diameter: float
    position: float
    axes: Axes
    outline: np.ndarray
    mean: float
    std: float
    min: float
    max: float
    solid: float

    @property
    def long(self) -> float:
        """Length of the long axis in mm."""
        return self.axes.length

    @property
    def short(self) -> float:
        """Length of the short axis in mm."""
        return self.axes.width


def mask_values(mask: Mask, image: Image) -> MaskValues:
    """Measure a mask on the voxels of its CT.

    Parameters
    ----------
    mask
        Of three axes (z, y, x), with the CT's spacing and its voxel centres.
    image
        The CT in HU.

    Raises
    ------
    ValueError
        The mask is empty, has no three axes, or does not lie on the CT's voxels.
    """
    held = mask.to_array()
    if held.ndim != 3 or not held.any():
        raise ValueError("only a mask of three axes that holds a voxel can be measured")
    first = (np.asarray(mask.origin) - image.origin) / image.scale
    low = np.rint(first).astype(int)
    on_grid = np.allclose(mask.spacing, image.scale) and np.allclose(first, low, atol=1e-3)
    if not on_grid or (low < 0).any() or (low + mask.shape > image.shape).any():
        raise ValueError("the mask does not lie on the voxels of the CT")
    part = image.voxels[tuple(slice(a, a + n) for a, n in zip(low, mask.shape, strict=True))]
    values = part[held].astype(np.float64)
    volume = float(held.sum() * np.prod(mask.spacing))
    index, axes, outline = _longest(held, mask.spacing[1:])
    corner = np.asarray(mask.origin[1:])
    return MaskValues(
        volume=volume,
        diameter=float(np.cbrt(6 * volume / np.pi)),
        position=float(mask.origin[0] + index * mask.spacing[0]),
        axes=Axes(axes.long + corner, axes.short + corner, axes.length, axes.width),
        outline=outline + corner,
        mean=float(values.mean()),
        std=float(values.std()),
        min=float(values.min()),
        max=float(values.max()),
        solid=float((values > SOLID).mean()),
    )


def _longest(held: np.ndarray, spacing: tuple[float, ...]) -> tuple[int, Axes, np.ndarray]:
    """The slice of a mask (z, y, x) where it is longest, its axes and outline in mm from the first voxel's centre."""
    found = []
    for index in np.flatnonzero(held.any((1, 2))):
        outline = _outline(held[index]) * spacing
        found.append((int(index), axes_of(outline), outline))
    return max(found, key=lambda one: one[1].length)


def _outline(held: np.ndarray) -> np.ndarray:
    """The edge (n, 2) of the largest piece of a slice, half-way between the voxels in it and those beside it."""
    from skimage.measure import find_contours

    contours = find_contours(np.pad(held, 1).astype(np.float32), 0.5)
    return max(contours, key=lambda c: float(np.ptp(c, axis=0).prod())) - 1
