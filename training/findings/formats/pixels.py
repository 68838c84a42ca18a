"""Boxes between the world and the pixels that NODE21, COCO, NIH and JSRT count in.

In those files a pixel is a square from i to i + 1, so that a box over pixel columns 3 to 5 has x = 3 and width = 3. In the world
(`findings.Box`) a pixel's centre lies at its index, and the same box runs from 2.5 to 5.5 pixels beyond the origin.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..finding import Box, Finding, Findings, ImageReference
from ..truth import TRUTH
from .errors import FindingsFileError
from .images.image_names import image_name
from .truth.leniency import passed_over

DIGITS = 6
"""Decimals of a pixel that are written: what the division by a spacing leaves behind is rounded away."""


class PixelBox(NamedTuple):
    """A box in pixels of an image file: the left and upper edge of its first pixel, and its size."""

    x: float
    y: float
    width: float
    height: float

    def scaled(self, factor_x: float, factor_y: float) -> PixelBox:
        """The same box on a picture whose sides are that many times as long."""
        return PixelBox(self.x * factor_x, self.y * factor_y, self.width * factor_x, self.height * factor_y)


def grid(image: ImageReference) -> tuple[Sequence[float], Sequence[float]]:
    """Spacing and origin (y, x) that lead from pixels to the world."""
    spacing = image.spacing[-2:] if image.spacing is not None else (1.0, 1.0)
    return spacing, image.origin[-2:] or (0.0, 0.0)


def to_world(box: PixelBox, image: ImageReference) -> Box:
    """The box in the world coordinates of its image."""
    (sy, sx), (oy, ox) = grid(image)
    return Box(
        ((box.y - 0.5) * sy + oy, (box.x - 0.5) * sx + ox),
        ((box.y + box.height - 0.5) * sy + oy, (box.x + box.width - 0.5) * sx + ox),
    )


def to_pixels(box: Box, image: ImageReference) -> PixelBox:
    """The box in pixels of its image."""
    (sy, sx), (oy, ox) = grid(image)
    (y0, x0), (y1, x1) = box.low, box.high
    values = (x0 - ox) / sx + 0.5, (y0 - oy) / sy + 0.5, (x1 - x0) / sx, (y1 - y0) / sy
    return PixelBox(*(round(v, DIGITS) for v in values))


def plain(value: float) -> float | int:
    """A whole number without its decimal point, as these files have it."""
    return int(value) if value == int(value) else value


def require_inside(box: PixelBox, shape: Sequence[int], what: str) -> None:
    """Refuse a box that lies outside its picture (height, width) altogether; one that reaches beyond passes.

    Raises
    ------
    FindingsFileError
        The message says where box and picture are.
    """
    height, width = shape[-2:]
    if box.x >= width or box.y >= height or box.x + box.width <= 0 or box.y + box.height <= 0:
        raise FindingsFileError(
            f"{what}: the box from x {box.x:g}, y {box.y:g}, {box.width:g} wide and {box.height:g} high, lies outside "
            f"the picture of {width} × {height} pixels; correct or delete it"
        )


def truth_of(boxes: Iterable[PixelBox], image: ImageReference, path: Path | str) -> Findings:
    """True boxes of a file as findings: each certain and accepted.

    Raises
    ------
    FindingsFileError
        A box lies outside the picture.
    """
    known = []
    for box in boxes:
        with passed_over():
            if len(image.shape) >= 2:
                require_inside(box, image.shape, f"{path}, {image_name(image)}")
            known.append(box)
    items = (
        Finding(to_world(box, image), provenance=TRUTH, status="accepted", id=f"truth{i}")
        for i, box in enumerate(known)
    )
    return Findings(tuple(items), image)
