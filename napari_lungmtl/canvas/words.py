"""What the corners of the canvas say of an image: no Qt, no napari."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..text.cases import case_name, elide, series_words, study_date
from ..text.numbers import written
from ..training.imaging.image import Image
from ..training.imaging.slab import SLICE, Slab, held, projected
from ..training.imaging.streamed import fraction_of

_AXES = "zyx"
BAR = 110.0
"""Pixels that a scale bar has at most."""
_LINE = 44
"""Letters of a line at most: longer ones would reach the middle of a small canvas."""


def who(image: Image) -> str:
    """Case, series and date, a line each."""
    lines = (case_name(image), series_words(image), study_date(image))
    return "\n".join(elide(line, _LINE) for line in lines if line)


def where(image: Image, axis: int, position: float) -> str:
    """The slice of a volume: ``slice 45 of 99 · z −190.0 mm``.

    Parameters
    ----------
    image
        The volume.
    axis
        The world's axis that the slice lies across: 0 for z, 1 for y, 2 for x.
    position
        Where on it, in mm.
    """
    count = image.shape[axis]
    number = round((position - image.origin[axis]) / image.scale[axis]) + 1
    place = image.origin[axis] + (number - 1) * image.scale[axis]
    inside = f"slice {number} of {count}" if 1 <= number <= count else f"outside the {count} slices"
    if (there := fraction_of(image)) < 1:
        inside += f" · {there:.0%} read".replace("%", "\u00a0%")
    return f"{inside} · {place_on(axis, place)}"


def place_on(axis: int, position: float) -> str:
    """A coordinate with its name: ``z −190.0 mm`` for axis 0."""
    return f"{_AXES[axis]} {_signed(position)} mm"


def grayscale(image: Image, limits: Sequence[float]) -> str:
    """The window, centre and width: ``window −600 / 1500 HU``."""
    low, high = (float(v) for v in limits)
    unit = " HU" if is_hounsfield(image) else ""
    return f"window {_whole((low + high) / 2)} / {_whole(high - low)}{unit}"


def under_cursor(image: Image, position: Sequence[float], axis: int = 0, slab: Slab = SLICE) -> str:
    """Place and value under the cursor, a line each: ``x 12.3  y 40.1  z −190.0 mm``, ``−640 HU``; empty beside the image.

    Parameters
    ----------
    image
        The image.
    position
        World position (z, y, x) or (y, x) in the image's units.
    axis, slab
        What is looked at where it is no slice: a slab across a world axis, whose projection has the value: ``MIP −640 HU``.
    """
    index = np.round((np.asarray(position, float) - image.origin) / image.scale).astype(int)
    if ((index < 0) | (index >= image.shape)).any():
        return ""
    pixels = image.spacing is None
    names = _AXES[-image.ndim :]
    parts = [f"{n} {_whole(c) if pixels else _signed(c)}" for n, c in zip(names, position, strict=True)]
    if slab.kind:
        value = _value(projected(held(image, axis, index[axis], slab)[:, *np.delete(index, axis)], slab))
    else:
        value = _value(image.voxels[tuple(index)])
    named = f"{value} HU" if is_hounsfield(image) else f"grey value {value}"
    return f"{'  '.join(reversed(parts))} {'px' if pixels else 'mm'}\n{f'{slab.kind} {named}'.strip()}"


def is_hounsfield(image: Image) -> bool:
    """Whether the values are Hounsfield units."""
    return image.modality == "CT"


def _value(value: object) -> str:
    number = float(value)  # type: ignore[arg-type]
    return _whole(number) if number.is_integer() or abs(number) >= 100 else f"{number:.3g}".replace("-", "−")


def _whole(value: float) -> str:
    return written(value)


def _signed(value: float) -> str:
    return written(value, 1)


def bar_length(mm: float, width: float) -> float:
    """Length (mm) of the scale bar of a picture: pictures with the same millimetres in a pixel have the same one.

    Parameters
    ----------
    mm
        Millimetres of a pixel.
    width
        Of the picture, in pixels; only in one that is narrow a bar has less than `BAR` pixels.

    Examples
    --------
    >>> bar_length(0.5, 700.0), bar_length(0.5, 350.0), bar_length(0.25, 700.0), bar_length(0.5, 140.0)
    (50.0, 50.0, 20.0, 20.0)
    """
    return round_length(mm * min(BAR, width / 3))


def round_length(longest: float) -> float:
    """The longest of 1, 2, 5, 10, 20, 50 … that is no longer than this.

    Examples
    --------
    >>> round_length(37.0), round_length(0.7)
    (20.0, 0.5)
    """
    decade = 10.0 ** np.floor(np.log10(longest))
    return float(max(step for step in (1.0, 2.0, 5.0) if step * decade <= longest * (1 + 1e-9)) * decade)
