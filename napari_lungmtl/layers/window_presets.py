"""Grey-level windows that radiologists know by name."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Image as ImageLayer

from ..session.own_windows import own_windows
from ..training.imaging.image import Image
from ..training.imaging.streamed import fraction_of

CT_WINDOWS = {
    "Lung": (-600.0, 1500.0),
    "Mediastinum": (40.0, 400.0),
    "Bone": (400.0, 1800.0),
}
"""Name to (centre, width) in Hounsfield units."""
DRAG = 1 / 300
"""Part of the window's width that a pixel of a drag changes it by."""
AIR_HU = -900
"""A volume that reaches down to here holds air, in Hounsfield units."""
CT_RANGE = (-1024.0, 3071.0)
"""Values that an image is taken to have while its voxels are still coming: those of 12 bits."""
_ranges: WeakKeyDictionary[Image, tuple[float, float]] = WeakKeyDictionary()


def presets(image: Image) -> dict[str, tuple[float, float]]:
    """Name to (low, high) for an image: the CT windows, the file's own, all values, and the person's own."""
    low, high = value_range(image)
    centers = dict(CT_WINDOWS) if image.ndim == 3 else {}
    if image.window is not None:
        centers["From the file"] = image.window
    return {**_limits(centers), "Full": (low, high if high > low else low + 1), **_limits(own_windows(image))}


def _limits(windows: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Low and high of (centre, width)."""
    return {name: (center - width / 2, center + width / 2) for name, (center, width) in windows.items()}


def value_range(image: Image) -> tuple[float, float]:
    """Lowest and highest value of an image; of a whole scan they are looked for once."""
    if fraction_of(image) < 1:
        return CT_RANGE
    known = _ranges.get(image)
    if known is None:
        known = _ranges[image] = float(image.voxels.min()), float(image.voxels.max())
    return known


def first_window(image: Image) -> tuple[float, float]:
    """The grey levels (low, high) that an image is opened with: of a CT the lung window."""
    limits = presets(image)
    # Volume files state no modality: what holds air in Hounsfield units is a CT to any eye.
    is_ct = image.modality == "CT" or (not image.modality and value_range(image)[0] <= AIR_HU)
    if is_ct and image.ndim == 3:
        return limits["Lung"]
    return limits.get("From the file", limits["Full"])


def apply(layer: ImageLayer, limits: tuple[float, float]) -> None:
    """Show the grey levels from low to high, widening the slider's range where it does not reach."""
    low, high = layer.contrast_limits_range
    layer.contrast_limits_range = (min(low, limits[0]), max(high, limits[1]))
    layer.contrast_limits = limits


def matching(layer: ImageLayer, limits: dict[str, tuple[float, float]]) -> str | None:
    """The preset that the layer shows now, if any."""
    now = tuple(layer.contrast_limits)
    for name, (low, high) in limits.items():
        if abs(now[0] - low) < 0.5 and abs(now[1] - high) < 0.5:
            return name
    return None


def drag(layer: ImageLayer, right: float, up: float) -> None:
    """Change the window by a drag in pixels: to the right it grows wider, upwards its centre rises."""
    low, high = (float(v) for v in layer.contrast_limits)
    span = float(np.ptp(layer.contrast_limits_range))
    part = max(high - low, span / 1000) * DRAG
    width = max(high - low + 2 * right * part, span / 10_000)
    middle = (low + high) / 2 + up * part
    apply(layer, (middle - width / 2, middle + width / 2))
