"""What lies in and around a sphere on a CT, in numbers: how bright it is, how far it reaches, and where tissue goes on from it.

A nodule ends in air in most directions. A vessel goes on in two opposite ones, what lies at the hilum or in the chest wall in many,
and bone is brighter than either.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

AIR_HU, TISSUE_HU, BONE_HU = -500.0, -300.0, 180.0
BEYOND_MM, STEP_MM = 8.0, 0.5
"""How far beyond the surface is looked, and how finely."""
PAIRS = 81
"""Lines through the centre, evenly spread; each is two opposite directions."""
NAMES = (
    *("inside", "inside_sd", "inside_air", "inside_bone", "near_bone"),
    *("air_2", "air_4", "air_8", "tissue_3", "tissue_7"),
    *("through", "most_through", "reach_10", "reach_50", "reach_90", "longest", "flattest", "log_diameter"),
)
"""Of the columns of `surroundings`."""


def lines(count: int = PAIRS) -> np.ndarray:
    """(2 · count, 3) unit vectors: a half of a Fibonacci sphere, then their opposites."""
    place = np.arange(count) + 0.5
    height, angle = 1 - place / count, np.pi * (1 + 5**0.5) * place
    ring = np.sqrt(1 - height**2)
    half = np.column_stack([height, ring * np.sin(angle), ring * np.cos(angle)])
    return np.concatenate([half, -half])


def surroundings(hu: np.ndarray, center: np.ndarray, diameter: float) -> np.ndarray:
    """Describe a place: (18,) in the order of `NAMES`.

    Parameters
    ----------
    hu
        (D, H, W) Hounsfield units at 1 mm, z, y, x; beyond it its outermost voxels go on.
    center
        (3,) voxel index.
    diameter
        mm.
    """
    radius = float(np.clip(diameter, 3.0, 40.0)) / 2
    along = np.arange(0, radius + BEYOND_MM + STEP_MM, STEP_MM)
    ways = lines()
    points = np.asarray(center)[:, None, None] + ways.T[:, :, None] * along[None, None, :]
    profile = map_coordinates(hu, points.reshape(3, -1), np.float32, order=1, mode="nearest")
    profile = profile.reshape(len(ways), len(along))
    inside = profile[:, along <= 0.7 * radius]
    around = profile[:, along > radius]
    beyond = along[along > radius] - radius
    air = profile < AIR_HU
    # Two samples in a row: a dark voxel is noise.
    air = air[:, 1:] & air[:, :-1]
    never = along[-1] + STEP_MM
    first = np.maximum(np.where(air.any(1), along[:-1][air.argmax(1)], never), STEP_MM)

    def ends_within(mm: float) -> float:
        return float((first <= radius + mm).mean())

    def tissue_at(low: float, high: float) -> float:
        return float((around[:, (beyond > low) & (beyond <= high)] > TISSUE_HU).mean())

    goes_on = (around > AIR_HU).mean(1)
    both = np.minimum(goes_on[:PAIRS], goes_on[PAIRS:])
    spread = np.linalg.eigvalsh((ways * (first**2)[:, None]).T @ ways / (first**2).sum())
    return np.array(
        [
            *(inside.mean() / 1000, inside.std() / 1000, (inside < AIR_HU).mean(), (inside > BONE_HU).mean()),
            (around > BONE_HU).mean(),
            *(ends_within(2), ends_within(4), ends_within(8), tissue_at(1, 4), tissue_at(4, 8)),
            *(both.mean(), np.quantile(both, 0.95)),
            *(np.quantile(first / radius, (0.1, 0.5, 0.9))),
            *(spread[2], spread[0], np.log(radius * 2)),
        ]
    )
