"""Close-ups: three planes through a place of a volume at true millimetres, one of a radiograph; as arrays, and drawn by Pillow.

They are cut from the image itself and so show what the networks read. Nothing here needs a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from .image import Image
from .radiograph.orientation import AS_STORED, Orientation

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont
    from PIL.Image import Image as Picture

LUNG_HU = (-1350.0, 150.0)
"""The lung window, W1500 L−600."""
_BARS = (1, 2, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True)
class Plane:
    """How a plane through the volume is held.

    Parameters
    ----------
    name
        ``"Axial"`` …; empty for a picture that has only one.
    down, right
        World axis (0 z, 1 y, 2 x) that runs down and to the right, and its sign: −1 where world coordinates fall.
    left, top
        Letters of what lies there in the patient: R L A P H F.
    meaning
        The same in words.
    """

    name: str
    down: tuple[int, int]
    right: tuple[int, int]
    left: str = ""
    top: str = ""
    meaning: str = ""


# World axes are LPS: x grows to the patient's left, y to the back, z to the head. The patient's right is on the left.
PLANES = (
    Plane("Axial", (1, 1), (2, 1), "R", "A", "the patient's right is on the left, the front at the top"),
    Plane("Coronal", (0, -1), (2, 1), "R", "H", "the patient's right is on the left, the head at the top"),
    Plane("Sagittal", (0, -1), (1, 1), "A", "H", "the patient's front is on the left, the head at the top"),
)


def flat(orientation: Orientation) -> Plane:
    """Hold a radiograph as it is looked at."""
    down, right = orientation.screen_axes
    return Plane("", down, right)


FLAT = flat(AS_STORED)


def field_of_view(image: Image, diameter: float) -> float:
    """Side of a close-up in mm (pixels where the spacing is unknown): 2.2 diameters, at least 30 mm, at most 120 mm.

    Radiographs are shown with twice as much around.
    """
    least = 200.0 if image.spacing is None else 30.0 if image.ndim == 3 else 60.0
    return float(np.clip(2.2 * diameter, least, 4 * least))


def bar_length(field: float) -> int:
    """Length of the scale bar: the longest round one within a third of the field."""
    return max((bar for bar in _BARS if bar <= field / 3), default=1)


def cut(
    image: Image, center: tuple[float, ...], plane: Plane, field: float, pixels: int, order: int = 1
) -> np.ndarray:
    """Sample a square of a plane through a world point.

    Parameters
    ----------
    image
        Volume (z, y, x) or picture (y, x).
    center
        World point in the middle of the square, between the middle pixels where their number is even.
    plane
        Of `PLANES`, or `FLAT`.
    field
        Side in mm.
    pixels
        Pixels along a side.
    order
        1 interpolates, 0 takes the nearest voxel.

    Returns
    -------
    ndarray
        (pixels, pixels) float32, row 0 at the top; NaN outside the image (beyond the edges of its outermost voxels).
    """
    steps = ((np.arange(pixels) + 0.5) / pixels - 0.5) * field
    world = [np.full((pixels, pixels), c) for c in center]
    world[plane.down[0]] = world[plane.down[0]] + plane.down[1] * steps[:, None]
    world[plane.right[0]] = world[plane.right[0]] + plane.right[1] * steps
    index = [(w - o) / s for w, o, s in zip(world, image.origin, image.scale, strict=True)]
    inside = np.all([(i >= -0.5) & (i <= n - 0.5) for i, n in zip(index, image.shape, strict=True)], axis=0)
    values = ndimage.map_coordinates(image.voxels, index, np.float32, order=order, mode="nearest")
    return np.where(inside, values, np.float32(np.nan))


def gray(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """Grey levels 0–255 (uint8) of values in a window (low, high); NaN is black."""
    low, high = limits
    levels = np.clip((values - low) / max(high - low, 1e-6), 0, 1) * 255
    return np.nan_to_num(levels, nan=0.0).astype(np.uint8)


def shown_window(image: Image, values: np.ndarray | None = None) -> tuple[float, float]:
    """Low and high grey level to draw an image with: the lung window of a CT, else what its file proposes, or the middle of values.

    Parameters
    ----------
    image
        What is drawn.
    values
        The part of it that is; by default all.
    """
    values = image.voxels if values is None else values
    if image.modality == "CT" or (image.ndim == 3 and float(values.min()) < -500):
        return LUNG_HU
    if image.window is not None:
        center, width = image.window
        return center - width / 2, center + width / 2
    low, high = np.percentile(values, [1, 99])
    return float(low), float(max(high, low + 1e-6))


def draw(levels: np.ndarray) -> Picture:
    """Make a picture in colours of grey levels (h, w)."""
    from PIL import Image as Pillow

    return Pillow.fromarray(levels).convert("RGB")


def annotate(picture: Picture, plane: Plane, field: float, units: str) -> None:
    """Write what lies at the left and the top, and a scale bar, into a close-up.

    Parameters
    ----------
    picture
        A square; it is drawn into.
    plane
        How it is held.
    field
        Its side in mm or pixels.
    units
        ``"mm"`` or ``"px"``.
    """
    from PIL import ImageDraw

    side = picture.width
    pen, font = ImageDraw.Draw(picture), letters(max(10, side // 11))
    margin = side // 40
    if plane.left:
        write(pen, (margin, side / 2), plane.left, font, "lm")
        write(pen, (side / 2, margin), plane.top, font, "ma")
    length = bar_length(field)
    end, base = margin + length * side / field, side - 2 * margin
    corners = [(margin, base - margin), (margin, base), (end, base), (end, base - margin)]
    for color, width in (("black", max(3, side // 60)), ("white", max(1, side // 150))):
        pen.line(corners, fill=color, width=width, joint="curve")
    write(pen, (end + 2 * margin, base + margin / 2), f"{length} {units}", font, "ls")


def write(
    pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, font: ImageFont.FreeTypeFont, anchor: str
) -> None:
    """Write in white with a dark rim: legible over air and over bone."""
    pen.text(
        at,
        text,
        fill="white",
        font=font,
        anchor=anchor,
        stroke_width=max(1, round(font.size / 9)),
        stroke_fill="black",
    )


@lru_cache(maxsize=16)
def letters(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own letters, which need no font of the system."""
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font
