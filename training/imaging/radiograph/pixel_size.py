"""Which pixel sizes a radiograph can have, and in which plane they hold: at the detector the body's shadow is magnified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

LARGEST = 1500.0
"""Millimetres: no detector, not even a stitched image of the whole spine, is longer. What is, has a made-up pixel spacing."""
MOST_MAGNIFIED = 3.0
"""No radiograph of a chest is taken so near to the tube that the shadow is larger than this many times the body."""
PLANE, MAGNIFICATION = "spacing_plane", "magnification"
"""Keys of an image's metadata: where its pixel spacing holds (`Plane`), and by which factor the file says that the body is
magnified there."""
Plane = Literal["detector", "film", "body"]


def believable(spacing: tuple[float, ...], shape: tuple[int, ...]) -> bool:
    """Tell whether a radiograph with such pixels (mm) has a size that a detector can have."""
    return all(length * count <= LARGEST for length, count in zip(spacing, shape, strict=True))


def is_magnification(factor: float) -> bool:
    """Tell whether a factor can be the ratio of a shadow to the body: a shadow is not smaller than what casts it."""
    return 1.0 < factor <= MOST_MAGNIFIED


@dataclass(frozen=True)
class Scale:
    """What lengths on a radiograph are divided by to be lengths in the body, and what is to be said of them.

    Examples
    --------
    >>> Scale.of({"spacing_plane": "detector", "magnification": 1.1})
    Scale(divisor=1.1, words='magnified by 1.1, divided out')
    >>> Scale.of({"spacing_plane": "body"}).words
    'calibrated'
    """

    divisor: float = 1.0
    words: str = ""

    @classmethod
    def of(cls, metadata: Mapping[str, object]) -> Scale:
        """The scale that an image's metadata name.

        Only what was measured at the detector or on the film is divided: PixelSpacing that a file calls calibrated has the
        magnification in it (DICOM PS3.3, 10.7.1.3).
        """
        plane, factor = metadata.get(PLANE), metadata.get(MAGNIFICATION)
        if plane == "body":
            return cls(words="calibrated")
        if plane not in ("detector", "film"):
            return cls(words="plane not stated")
        if isinstance(factor, float) and is_magnification(factor):
            return cls(factor, f"magnified by {factor:.4g}, divided out")
        return cls(words="at the detector" if plane == "detector" else "on the film")
