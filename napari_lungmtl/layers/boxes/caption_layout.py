"""Where the captions of boxes stand on the screen: no napari, no Qt.

Pixels (of 96 to the inch) are (row, column) from the middle of the canvas, rows growing downwards.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..rectangle import Rectangle

ROW = 18.0
"""Height of a caption."""
_LETTER, _PADDING, _GAP = 8.4, 8.0, 3.0
"""Mean width of the letters of ``MO-SegNet 0.99``, room around them, and distance to the box's edge."""


def width(text: str) -> float:
    """Of a caption with this text."""
    return _LETTER * len(text) + _PADDING


def place_captions(
    boxes: Sequence[Rectangle], texts: Sequence[str], region: Rectangle
) -> list[tuple[float, float] | None]:
    """Top left corner of each caption; None where there is nothing to say, or the box is out of sight.

    A caption stands above its box, flush left; where there is no room, flush right or below. Earlier boxes choose first, and
    captions avoid each other and all boxes as long as one of the places allows it.

    Parameters
    ----------
    boxes, texts
        The boxes on the screen, and what stands at each.
    region
        What captions must not leave.
    """
    taken: list[Rectangle] = list(boxes)
    corners: list[tuple[float, float] | None] = []
    for box, text in zip(boxes, texts, strict=True):
        if not text or not _overlap(box, region):
            corners.append(None)
            continue
        places = [_inside(corner, width(text), region) for corner in _places(box, width(text))]
        free = (p for p in places if not any(_overlap(p, other) for other in taken))
        chosen = next(free, places[0])
        taken.append(chosen)
        corners.append(chosen[:2])
    return corners


def _places(box: Rectangle, wide: float) -> list[tuple[float, float]]:
    """Corners that are looked at, the best first."""
    top, left, bottom, right = box
    above, below = top - _GAP - ROW, bottom + _GAP
    return [(above, left), (above, right - wide), (below, left), (below, right - wide)]


def _inside(corner: tuple[float, float], wide: float, region: Rectangle) -> Rectangle:
    """The caption, pushed into the region."""
    top, left, bottom, right = region
    row = max(min(corner[0], bottom - ROW), top)
    column = max(min(corner[1], right - wide), left)
    return row, column, row + ROW, column + wide


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
