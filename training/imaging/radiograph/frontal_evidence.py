"""What a picture itself shows: reasons why it cannot be a chest radiograph, only such as no real radiograph gives."""

from __future__ import annotations

import numpy as np
from PIL import Image as Picture

from ..image import Image
from .exposed_area import exposed_area
from .network_input import shape_of_pixel

LONGEST = 2.0
"""Ratio of the sides, as long as they are, beyond which a picture is no chest radiograph; real ones stay below 1.5."""
SMALLEST = 64
"""Pixels along the shorter side: a thumbnail shows no nodule."""
FEW_VALUES = 8
"""A picture with no more grey values than these is a drawing or a mask."""
TOUCHED = 0.35
"""Part of a side that a body must touch. In 147 real radiographs it is 0.6 and more of one side, in CT slices below 0.2."""
_SIDE = 128  # pixels of the reduced picture in which a CT slice is looked for
_AIR = 0.12  # of the grey range: below it is air
_RECTANGLE = 0.93  # of its narrowest box: what fills more is a turned radiograph in a black frame, not a body
_LEAST_BODY = 0.2


def no_contrast(image: Image) -> str:
    """Detect a picture of one grey value."""
    y0, x0, y1, x1 = exposed_area(image.voxels)
    low, high = np.percentile(image.voxels[y0:y1:4, x0:x1:4], (0.5, 99.5))
    if high > low:
        return ""
    return "has no contrast (all of it is of one grey value): export the radiograph again."


def few_values(image: Image) -> str:
    """Detect a mask or a drawing."""
    count = len(np.unique(image.voxels[::4, ::4]))
    if count > FEW_VALUES:
        return ""
    return f"has only {count} grey values, as a mask has: open the radiograph itself."


def odd_shape(image: Image) -> str:
    """Detect a picture that is too long or too small."""
    height, width = image.shape
    if min(height, width) < SMALLEST:
        return f"is only {height} × {width} pixels large, too small to show a nodule: open the full-size radiograph."
    y, x = shape_of_pixel(image.scale)
    sides = height * y, width * x
    if max(sides) > LONGEST * min(sides):
        of = "" if y == x else f" of {y:.4g} × {x:.4g} mm"
        return f"is {height} × {width} pixels{of}, too long for a chest radiograph: open a frontal chest radiograph."
    return ""


def ct_slice(image: Image) -> str:
    """Detect a slice of CT: a round body with air on all sides: on a radiograph the trunk reaches one edge at least."""
    y0, x0, y1, x1 = exposed_area(image.voxels)
    body = _body(image.voxels[y0:y1, x0:x1], shape_of_pixel(image.scale))
    sides = (body[0], body[-1], body[:, 0], body[:, -1])
    if body.mean() < _LEAST_BODY or max(side.mean() for side in sides) > TOUCHED or _fills_a_box(body):
        return ""
    return "looks like a slice of CT (a body with air all around), not a radiograph: open a frontal chest radiograph."


def _body(values: np.ndarray, pixel: tuple[float, float]) -> np.ndarray:
    """Boolean: the largest thing brighter than air, filled, in a picture in its true shape reduced to `_SIDE` pixels."""
    from scipy import ndimage

    height, width = (n * length for n, length in zip(values.shape, pixel, strict=True))
    scale = _SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Picture.fromarray(values.astype(np.float32)).resize(size, Picture.Resampling.BILINEAR))
    low, high = np.percentile(small, (1, 99))
    parts, count = ndimage.label(ndimage.binary_opening(small > low + _AIR * (high - low), iterations=2))
    if not count:
        return np.zeros(small.shape, bool)
    largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
    return ndimage.binary_fill_holes(parts == largest)


def _fills_a_box(body: np.ndarray) -> bool:
    """Whether it fills an upright or turned rectangle."""
    points = np.argwhere(body) + 0.0
    boxes = []
    for angle in np.radians(np.arange(0, 90, 3)):
        along = points @ (np.cos(angle), np.sin(angle))
        across = points @ (-np.sin(angle), np.cos(angle))
        boxes.append((np.ptp(along) + 1) * (np.ptp(across) + 1))
    return len(points) > _RECTANGLE * min(boxes)


EVIDENCE = (odd_shape, no_contrast, few_values, ct_slice)
"""All of it, in the order in which it is looked at; each takes a flat image and gives the end of a sentence, or ``""``."""
