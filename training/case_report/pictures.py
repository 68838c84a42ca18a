"""Key images: a finding in three planes with its mark, and a radiograph with all of its boxes."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..findings.finding import Finding
from ..findings.geometry import Box, Mask, Sphere
from ..imaging.close_up import (
    PLANES,
    Plane,
    annotate,
    cut,
    draw,
    field_of_view,
    flat,
    gray,
    letters,
    shown_window,
    write,
)
from ..imaging.image import Image
from ..imaging.radiograph.orientation import AS_STORED, Orientation

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SIDE, FILM_SIDE = 260, 900
"""Pixels of a close-up, and of a radiograph's longer side."""
MARK = (255, 90, 255)
"""The colour of the selected finding in the window."""


def close_ups(image: Image, finding: Finding, orientation: Orientation = AS_STORED) -> list[str]:
    """Draw a finding from near, as data URIs (JPEG): three planes of a CT, one picture of a radiograph.

    Parameters
    ----------
    image
        In the world of the finding.
    finding
        Of as many axes.
    orientation
        How a radiograph is looked at.
    """
    planes = PLANES if image.ndim == 3 else (flat(orientation),)
    field = field_of_view(image, finding.diameter)
    drawn = []
    for plane in planes:
        picture = _levels(image, finding.center, plane, field, SIDE, orientation)
        _outline(picture, plane, finding, finding.center, field)
        annotate(picture, plane, field, "px" if image.spacing is None else "mm")
        drawn.append(_data_uri(picture))
    return drawn


def film(image: Image, findings: Sequence[Finding], orientation: Orientation = AS_STORED) -> str:
    """Draw a radiograph with its findings and their numbers, as a data URI (JPEG)."""
    plane = flat(orientation)
    low, high = image.extent
    field = float(np.max(high - low))
    center = tuple(((low + high) / 2).tolist())
    picture = _levels(image, center, plane, field, FILM_SIDE, orientation)
    from PIL import ImageDraw

    for finding in findings:
        _outline(picture, plane, finding, center, field)
    pen, font = ImageDraw.Draw(picture), letters(FILM_SIDE // 30)
    taken: list[tuple[float, float, float, float]] = []
    for finding in findings:
        y, x = _pixels(np.asarray(finding.center), plane, center, field, FILM_SIDE)
        away, text = finding.diameter / 2 * FILM_SIDE / field + 4, str(finding.number or "–")
        beside = (
            *(((x + away, y), "lm"), ((x - away, y), "rm")),
            *(((x, y - away), "mb"), ((x, y + away), "mt")),
        )
        spots = [(place, anchor, pen.textbbox(place, text, font, anchor)) for place, anchor in beside]
        # Two networks often mark one lesion: numbers that lie over each other are none.
        place, anchor, box = next((s for s in spots if not any(_overlap(s[2], t) for t in taken)), spots[0])
        taken.append(box)
        write(pen, place, text, font, anchor)
    extent = (high - low)[[plane.down[0], plane.right[0]]] / field * FILM_SIDE
    top, left = np.floor((FILM_SIDE - extent) / 2).astype(int).clip(0).tolist()
    return _data_uri(picture.crop((left, top, FILM_SIDE - left, FILM_SIDE - top)))


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """Whether two boxes (left, top, right, bottom) cover each other."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _levels(
    image: Image, center: tuple[float, ...], plane: Plane, field: float, side: int, orientation: Orientation
) -> Picture:
    values = cut(image, center, plane, field, side)
    levels = gray(values, shown_window(image))
    if orientation.inverted:
        levels = np.where(np.isnan(values), 0, 255 - levels).astype(np.uint8)
    return draw(levels)


def _pixels(
    world: np.ndarray, plane: Plane, center: tuple[float, ...], field: float, side: int
) -> np.ndarray:
    """Where a world point lies in a picture: down and to the right, in pixels from its corner."""
    away = np.asarray(world, float) - center
    steps = [sign * away[axis] for axis, sign in (plane.down, plane.right)]
    return np.asarray(steps) * side / field + side / 2


def _outline(
    picture: Picture, plane: Plane, finding: Finding, center: tuple[float, ...], field: float
) -> None:
    """Draw the circle, the rectangle or the rim of a finding."""
    from PIL import ImageDraw

    side = picture.width
    pen, width = ImageDraw.Draw(picture), max(2, side // 300)
    geometry = finding.geometry
    y, x = _pixels(np.asarray(finding.center), plane, center, field, side)
    if isinstance(geometry, Sphere):
        radius = geometry.diameter / 2 * side / field
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=MARK, width=width)
    elif isinstance(geometry, Box):
        corners = [_pixels(np.asarray(c), plane, center, field, side) for c in (geometry.low, geometry.high)]
        low, high = np.min(corners, axis=0), np.max(corners, axis=0)
        pen.rectangle((low[1], low[0], high[1], high[0]), outline=MARK, width=width)
    elif isinstance(geometry, Mask):
        grid = Image(geometry.to_array().astype(np.uint8), "", geometry.spacing, geometry.origin)
        inside = cut(grid, center, plane, field, side, order=0) > 0.5
        rim = inside & ~ndimage.binary_erosion(inside, iterations=width)
        pen.point([(int(c), int(r)) for r, c in np.argwhere(rim)], fill=MARK)


def _data_uri(picture: Picture) -> str:
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=88, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
