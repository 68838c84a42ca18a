"""Where the attribute bars stand beside a nodule, in pixels of the screen: no napari, no Qt.

Pixels (of 96 to the inch) are (row, column) from the middle of the canvas, rows growing downwards on the screen. The bars are
a table of eight strips: at their left the name, then the bar from the scale's lowest value to its highest, the value
written at its beginning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...text.attributes import SCALES
from ..rectangle import Rectangle

ROW, INSET = 18.0, 1.0
"""Height of a strip, and how much less of it a bar leaves above and below."""
NAME_WIDTH, BAR_WIDTH = 132.0, 92.0
"""Room for the name, and length of a bar at the highest value."""
SIZE = (ROW * len(SCALES), NAME_WIDTH + BAR_WIDTH)
"""Height and width of all."""
GAP = 12.0
"""Between the nodule's rim and the bars."""
LABEL_HEIGHT = 20.0
"""Room for the sphere's own label."""


@dataclass(frozen=True)
class Bar:
    """One attribute: its strip, the filled part of it, and what is written on each."""

    name: str
    value: str
    strip: Rectangle
    filled: Rectangle


def bars(attributes: Mapping[str, float]) -> tuple[Bar, ...]:
    """The strips of those attributes that are known, from the top left corner of the first.

    A nominal attribute has no filled part: the number of a category is no amount.
    """
    scales = [scale for name, scale in SCALES.items() if name in attributes]
    result = []
    for place, scale in enumerate(scales):
        top, value = place * ROW, attributes[scale.name]
        length = 0.0 if scale.nominal else BAR_WIDTH * scale.fraction(value)
        result.append(
            Bar(
                scale.title,
                scale.describe(value),
                (top, 0.0, top + ROW, SIZE[1]),
                # Nothing at all could not be drawn.
                (top + INSET, NAME_WIDTH, top + ROW - INSET, NAME_WIDTH + max(length, 1.0)),
            )
        )
    return tuple(result)


def place_bars(
    center: tuple[float, float], radius: float, region: Rectangle, label: float
) -> tuple[float, float]:
    """Top left corner of the bars: right of the nodule, left of it where there is no room.

    Parameters
    ----------
    center, radius
        The nodule's disc on the screen.
    region
        Where the bars should stay. Where it is too small beside the disc, they are kept inside and cover some of the disc.
    label
        Row of the foot of the sphere's own label, from `center`: the label is at the right, and the bars hang below it, or
        stand above it where it is in the lower half.
    """
    top, left, bottom, right = region
    height, width = SIZE
    beside = center[1] + radius + GAP
    before = center[1] - radius - GAP - width
    fits = beside + width <= right, before >= left
    if fits[0] or (not fits[1] and right - center[1] >= center[1] - left):
        column, row = beside, center[0] + label + (4.0 if label <= 0 else -LABEL_HEIGHT - height)
    else:
        column, row = before, center[0] - height / 2
    return max(min(row, bottom - height), top), max(min(column, right - width), left)


def region(canvas: Rectangle, image: Rectangle) -> Rectangle:
    """The part of the canvas that the image fills; along an axis on which it is too short for the bars, the canvas.

    Beyond the image the layer would widen what napari takes for the world.
    """
    low = [max(canvas[i], image[i]) for i in (0, 1)]
    high = [min(canvas[i], image[i]) for i in (2, 3)]
    for axis in (0, 1):
        if high[axis] - low[axis] < SIZE[axis]:
            low[axis], high[axis] = canvas[axis], canvas[axis + 2]
    return low[0], low[1], high[0], high[1]
