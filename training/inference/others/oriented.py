"""A CT on the axes and voxels that another network wants, and the way back to world coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...imaging.image import Image
from ...imaging.resample import resample
from .sliding import require_size

AXES = {"S": (0, 1), "I": (0, -1), "P": (1, 1), "A": (1, -1), "L": (2, 1), "R": (2, -1)}
"""Where an axis grows to (head, feet, back, front, the patient's left, right): our axis (z, y, x), and along or against it."""


def are_axes(codes: object) -> bool:
    """Whether a text names three axes, each once, by where they grow to: ``"RAS"``, ``"SPL"``."""
    if not isinstance(codes, str) or len(codes) != 3 or not set(codes) <= set(AXES):
        return False
    return sorted(AXES[code][0] for code in codes) == [0, 1, 2]


@dataclass(frozen=True, eq=False)
class OrientedVolume:
    """Voxels in another order of axes.

    Parameters
    ----------
    voxels
        (a, b, c), in Hounsfield units, along the axes of `codes`.
    codes
        Where each axis grows to, as in nibabel and MONAI: ``"RAS"`` to the patient's right, to the front, to the head.
    image
        The same voxels as (z, y, x) with LPS+ axes: what world coordinates come from.
    """

    voxels: np.ndarray
    codes: str
    image: Image

    @property
    def spacing(self) -> np.ndarray:
        """(3,) mm between voxel centres along the axes of `codes`."""
        return np.array([self.image.scale[AXES[code][0]] for code in self.codes])

    def to_world(self, index: np.ndarray) -> np.ndarray:
        """World positions (N, 3; z, y, x in mm) of fractional voxel indices (N, 3) along the axes of `codes`."""
        ours = np.empty(index.shape, float)
        for k, code in enumerate(self.codes):
            axis, sign = AXES[code]
            ours[:, axis] = index[:, k] if sign > 0 else self.voxels.shape[k] - 1 - index[:, k]
        return self.image.to_world(ours)


def oriented(image: Image, codes: str, spacing_mm: Sequence[float] | None) -> OrientedVolume:
    """Resample a CT (mm) and turn its axes.

    Parameters
    ----------
    image
        (z, y, x) with a spacing.
    codes
        See `OrientedVolume`.
    spacing_mm
        Along the axes of `codes`; None keeps the image's voxels.

    Raises
    ------
    PredictorError
        It would have too many voxels.
    """
    axes = [AXES[code][0] for code in codes]
    if spacing_mm is not None:
        target = [spacing_mm[axes.index(axis)] for axis in range(3)]
        require_size([round(n * s / t) for n, s, t in zip(image.shape, image.scale, target, strict=True)])
        image = resample(image, target)
    voxels = np.transpose(image.voxels, axes)
    against = tuple(k for k, code in enumerate(codes) if AXES[code][1] < 0)
    return OrientedVolume(np.flip(voxels, against), codes, image)
