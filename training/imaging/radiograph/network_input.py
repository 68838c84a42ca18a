"""What networks see of a radiograph: a square of fixed size with dark air, grey values 0–1, and where it lies on the image.

One function serves training, prediction and the window's heat maps, so that all of them see the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from ..image import Image
from .exposed_area import exposed_area

SIDE = 512
"""Pixels along both sides of a radiograph that networks see."""
SQUARE = 0.005
"""Sides of a pixel that differ by less, as a part of them, are the same."""
TAILS = (0.5, 99.5)
"""Percentiles of the exposed area that become 0 and 1."""


@dataclass(frozen=True)
class RadiographInput:
    """A radiograph as networks see it.

    Parameters
    ----------
    pixels
        float32 (side, side), 0–1, dark air. Padding beside a picture that is not square is 0.
    shape
        Height and width of the image that it was made from.
    scale
        (y, x) radiograph pixels for one image pixel; they differ where the image's pixels are not square.
    offset
        (y, x) radiograph pixels of padding above and to the left of the picture.
    spacing, origin
        (y, x) of the image: world units for one of its pixels, and the world position of its first pixel's centre.
    """

    pixels: np.ndarray
    shape: tuple[int, int]
    scale: tuple[float, float]
    offset: tuple[float, float]
    spacing: tuple[float, float]
    origin: tuple[float, float]

    @property
    def pixel(self) -> tuple[float, float]:
        """World units (mm, or image pixels) of one radiograph pixel, (y, x)."""
        return self.spacing[0] / self.scale[0], self.spacing[1] / self.scale[1]

    @property
    def corner(self) -> tuple[float, float]:
        """World position (y, x) of the centre of radiograph pixel [0, 0], which may lie beside the image."""
        y, x = self.to_world((0.5, 0.5))
        return float(y), float(x)

    def to_world(self, edge: npt.ArrayLike) -> np.ndarray:
        """World positions (…, 2) of radiograph positions (y, x) in edge coordinates: pixel i covers i to i + 1."""
        index = (np.asarray(edge, float) - np.asarray(self.offset)) / np.asarray(self.scale) - 0.5
        return index * np.asarray(self.spacing) + np.asarray(self.origin)

    def from_world(self, world: npt.ArrayLike) -> np.ndarray:
        """Radiograph positions (…, 2) in edge coordinates of world positions (y, x)."""
        index = (np.asarray(world, float) - np.asarray(self.origin)) / np.asarray(self.spacing)
        return (index + 0.5) * np.asarray(self.scale) + np.asarray(self.offset)

    @property
    def rim(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest radiograph positions (y, x) of the picture, in edge coordinates."""
        low = np.asarray(self.offset)
        return low, low + np.asarray(self.shape) * np.asarray(self.scale)

    @property
    def inside(self) -> np.ndarray:
        """Boolean (side, side): where the picture is, without padding."""
        low, high = self.rim
        y, x = (np.arange(n) + 0.5 for n in self.pixels.shape)
        return ((y > low[0]) & (y < high[0]))[:, None] & ((x > low[1]) & (x < high[1]))[None]


def make_radiograph_input(image: Image, side: int = SIDE) -> RadiographInput:
    """Make the networks' input (0–1) of a radiograph: reduced by area means to `side` pixels, stretched between percentiles.

    Pixels that are not square become so: a chest keeps its shape. A frame or collimator bar beside the exposed area takes no part
    in the percentiles, but stays in the picture.
    Two files of one picture (PNG and DICOM, MONOCHROME1 and 2) whose values differ by a factor and an offset give the
    same radiograph.

    Raises
    ------
    ValueError
        The image is a volume.
    """
    if image.ndim != 2:
        raise ValueError("a radiograph is made of a flat image, not of a volume")
    return radiograph_input_of(image.voxels, side, image.scale, image.origin)


def radiograph_input_of(
    values: np.ndarray,
    side: int = SIDE,
    spacing: tuple[float, ...] = (1.0, 1.0),
    origin: tuple[float, ...] = (0.0, 0.0),
) -> RadiographInput:
    """Make the networks' input as `make_radiograph_input`, for a bare array (h, w) with dark air."""
    height, width = values.shape
    scale = _scale((height, width), side, spacing)
    size = max(1, round(height * scale[0])), max(1, round(width * scale[1]))
    picture = np.asarray(values, np.float32)
    if size != (height, width):
        # Pillow's filter widens with the reduction, so that fine lines are averaged instead of skipped.
        picture = np.asarray(
            Picture.fromarray(picture).resize(size[::-1], Picture.Resampling.BILINEAR, reducing_gap=None)
        )
    offset = (side - size[0]) // 2, (side - size[1]) // 2
    pixels = np.zeros((side, side), np.float32)
    area = _reduced(exposed_area(values), values.shape, size)
    pixels[offset[0] : offset[0] + size[0], offset[1] : offset[1] + size[1]] = stretched(picture, area)
    return RadiographInput(
        pixels,
        (height, width),
        scale,
        (float(offset[0]), float(offset[1])),
        (float(spacing[0]), float(spacing[1])),
        (float(origin[0]), float(origin[1])),
    )


def _scale(shape: tuple[int, int], side: int, spacing: tuple[float, ...]) -> tuple[float, float]:
    """Radiograph pixels for an image pixel along each axis, so that the picture's longer side is `side` long."""
    y, x = shape_of_pixel(spacing)
    unit = side / max(shape[0] * y, shape[1] * x)
    return y * unit, x * unit


def shape_of_pixel(spacing: Sequence[float]) -> tuple[float, float]:
    """Height and width of a pixel, so that sides can be compared; 1 and 1 where it is square but for what a header rounds."""
    y, x = (float(s) for s in spacing)
    return (1.0, 1.0) if abs(y - x) < SQUARE * max(y, x) else (y, x)


def stretched(picture: np.ndarray, area: tuple[slice, slice] = (slice(None), slice(None))) -> np.ndarray:
    """Stretch a picture to 0–1, with the `TAILS` percentiles of an area of it at the ends, clipped; all 0 where that is flat."""
    low, high = np.percentile(picture[area], TAILS)
    if not high > low:
        return np.zeros(picture.shape, np.float32)
    return np.clip((picture - low) / (high - low), 0, 1).astype(np.float32)


def _reduced(
    area: tuple[int, int, int, int], shape: tuple[int, ...], size: tuple[int, int]
) -> tuple[slice, slice]:
    """The pixels of the reduced picture that lie in the area and got nothing of the border beside it."""

    def along(axis: int) -> slice:
        first, last, count = area[axis], area[axis + 2], shape[axis]
        # Pillow's bilinear filter reaches one reduced pixel beyond the pixel that it computes.
        low = 0 if first == 0 else int(np.ceil(first * size[axis] / count)) + 1
        high = size[axis] if last == count else int(np.floor(last * size[axis] / count)) - 1
        return slice(low, high) if high > low else slice(None)

    return along(0), along(1)
