"""A ball of soft tissue of known place and size in the lung of a small CT."""

from __future__ import annotations

import numpy as np

from napari_lungmtl.layers import planes
from napari_lungmtl.training.imaging.image import Image

from .canvas_mouse import CanvasMouse

MIDDLE, RADIUS = (-150.0, 40.0, 0.0), 7.0
"""World mm (z, y, x), and mm."""


def with_ball(image: Image, series_uid: str) -> Image:
    """The CT with the ball in it, its edge a voxel wide."""
    steps = [
        np.arange(n) * s + o - m
        for n, s, o, m in zip(image.shape, image.scale, image.origin, MIDDLE, strict=True)
    ]
    z, y, x = np.meshgrid(*steps, indexing="ij", sparse=True)
    depth = RADIUS - np.sqrt(z**2 + y**2 + x**2)
    voxels = np.maximum(image.voxels, -850 + 890 * np.clip(depth + 0.5, 0, 1)).astype(np.int16)
    return Image(voxels, "CT", image.spacing, image.origin, series_uid=series_uid)


def mouse_at_ball(viewer, dock) -> CanvasMouse:
    """A mouse over the canvas, on the axial slice through the ball."""
    planes.show(viewer, "axial")
    viewer.dims.set_point(0, MIDDLE[0])
    return CanvasMouse(dock)
