"""Put a projected nodule, or nothing at all, into a radiograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .difficulty import Difficulty

DETECTOR_MM = 430.0
"""Side of the detectors (43 cm) that NIH's square pictures show: their files do not tell their size."""
EDGE = 0.25
"""A nodule's outline on the radiograph is where it adds this fraction of its peak."""


@dataclass(frozen=True)
class Tone:
    """How a radiograph turns attenuation into grey values (0–1).

    Parameters
    ----------
    lung, dense
        Typical grey value of lung and of mediastinum.
    slope
        Grey value per unit of log attenuation in the lung.
    dense_gain
        Share of the slope that is left at `dense`.
    """

    lung: float
    dense: float
    slope: float
    dense_gain: float

    def added(self, radiograph: np.ndarray, attenuation: np.ndarray) -> np.ndarray:
        """Grey values that `attenuation` adds where the radiograph has these values."""
        fraction = np.clip((radiograph - self.lung) / max(self.dense - self.lung, 1e-3), 0, 1)
        return attenuation * self.slope * (1 - (1 - self.dense_gain) * fraction)


def draw_tone(
    radiograph: np.ndarray, lungs: np.ndarray, difficulty: Difficulty, rng: np.random.Generator
) -> Tone:
    """The tone of a radiograph (h, w) with known lungs (2, h, w): its own contrast, a drawn difference of attenuation."""
    lung, dense = float(np.median(radiograph[lungs.any(0)])), float(np.median(radiograph[between(lungs)]))
    contrast = max(dense - lung, 0.1)  # a radiograph with white lungs still has some
    return Tone(lung, dense, contrast / rng.uniform(*difficulty.mediastinum), difficulty.dense_gain)


def between(lungs: np.ndarray) -> np.ndarray:
    """Boolean (h, w): what lies between the lungs (2, h, w) at their heights, heart and mediastinum."""
    right, left = lungs
    columns = np.arange(right.shape[1])
    inner = np.where(right.any(1), (right * columns).max(1), right.shape[1])
    outer = np.where(left.any(1), np.where(left, columns, right.shape[1]).min(1), -1)
    outside: np.ndarray = ~right & ~left
    rows = (inner[:, None] < columns) & (columns < outer[:, None])
    return rows & outside if rows.any() else outside


@dataclass(frozen=True, eq=False)
class Pasted:
    """What a paste left: the box (x0, y0, x1, y1, edge coordinates) and the nodule's pixels within it (empty for a sham)."""

    box: np.ndarray
    mask: np.ndarray

    @property
    def where(self) -> tuple[slice, slice]:
        """The box as slices of the radiograph."""
        x0, y0, x1, y1 = self.box.astype(int)
        return slice(y0, y1), slice(x0, x1)


def paste(
    radiograph: np.ndarray,
    view: np.ndarray,
    center: tuple[float, float],
    mm: float,
    tone: Tone,
    difficulty: Difficulty,
    rng: np.random.Generator,
    *,
    sham: bool = False,
) -> Pasted | None:
    """Add a nodule's view to a radiograph, in place; a sham blurs the same place and renews its noise, and adds nothing.

    Parameters
    ----------
    radiograph
        float32 (h, w), 0–1.
    view
        (s, s) log attenuation at 1 mm.
    center
        (y, x) radiograph pixels, edge coordinates.
    mm
        Pixel size of the radiograph.

    Returns
    -------
    Pasted or None
        None where the nodule would lie beside the radiograph, or adds nothing that could be seen.
    """
    patch = view_on_radiograph(view, center, mm, rng.uniform(*difficulty.blur_mm))
    low = np.floor(np.asarray(center) - np.asarray(patch.shape) / 2).astype(int)
    high = low + patch.shape
    if np.any(low < 0) or np.any(high > radiograph.shape) or not patch.max() > 0:
        return None
    mask = patch > EDGE * patch.max()
    place = radiograph[low[0] : high[0], low[1] : high[1]]
    _touch(place, mask, difficulty, rng)
    if not sham:
        np.clip(place + tone.added(place, patch), 0, 1, out=place)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y0, x0, y1, x1 = rows[0], columns[0], rows[-1] + 1, columns[-1] + 1
    box = np.array([low[1] + x0, low[0] + y0, low[1] + x1, low[0] + y1], np.float32)
    inside = mask[y0:y1, x0:x1]
    return Pasted(box, np.zeros_like(inside) if sham else inside)


def view_on_radiograph(
    view: np.ndarray, center: tuple[float, float], mm: float | tuple[float, float], blur_mm: float
) -> np.ndarray:
    """The view in radiograph pixels of a size (mm, or (y, x) where they are not square), blurred, its middle at the fraction of a
    pixel that `center` has.
    """
    pixel = np.broadcast_to(np.asarray(mm, float), 2)
    size = np.ceil(view.shape[0] / pixel).astype(int) + 2
    low = np.floor(np.asarray(center) - size / 2)
    # Radiograph pixel i has its middle at low + i + 0.5; the view's middle lies at `center`.
    index = [
        (low[axis] + np.arange(size[axis]) + 0.5 - center[axis]) * pixel[axis] + (view.shape[axis] - 1) / 2
        for axis in (0, 1)
    ]
    # Blurred to the radiograph's pixels first, so that none is skipped.
    sigma = np.hypot(blur_mm, 0.35 * pixel)
    smooth = ndimage.gaussian_filter(view.astype(np.float32), sigma)
    grid = np.stack(np.meshgrid(*index, indexing="ij"))
    return ndimage.map_coordinates(smooth, grid, order=1, mode="constant")


def _touch(place: np.ndarray, mask: np.ndarray, difficulty: Difficulty, rng: np.random.Generator) -> None:
    """The trace of pasting itself, the same for nodules and shams: a little blur and fresh noise within the outline."""
    weight = ndimage.gaussian_filter(mask.astype(np.float32), 1.5)
    smooth = ndimage.gaussian_filter(place, 0.5)
    noise = ndimage.gaussian_filter(rng.standard_normal(place.shape).astype(np.float32), 0.6) * 2
    place += weight * (smooth - place + noise * rng.uniform(*difficulty.noise))
