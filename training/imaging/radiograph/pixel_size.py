"""Which pixel sizes a radiograph can have."""

from __future__ import annotations

LARGEST = 1500.0
"""Millimetres: no detector, not even a stitched image of the whole spine, is longer. What is, has a made-up pixel spacing."""


def believable(spacing: tuple[float, ...], shape: tuple[int, ...]) -> bool:
    """Tell whether a radiograph with such pixels (mm) has a size that a detector can have."""
    return all(length * count <= LARGEST for length, count in zip(spacing, shape, strict=True))
