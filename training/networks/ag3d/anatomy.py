"""Anatomy as knowledge: a nodule has air around it, also at the pleura or a vessel; a mark without loses score.

From the middle of a mark one looks in all directions and counts those in which air begins within a few millimetres of its surface.
Of LUNA16's nodules 99 in 100 have it in more than half of them, those at the pleura too; aorta, heart, chest wall, liver and the
middle of the hilum have it in fewer. The rule was fitted on marks of a detector that saw neither (``experiments/ag3d/anatomy.py``).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.special import expit

from ...ops.logits import log_odds
from .config import Config
from .detect import Detections

AIR_HU = -500.0
"""Below is air or aerated lung: half-way to soft tissue, so that thick slices hide it no earlier than thin ones."""
REACH_MM = 4.0
"""Air begins at most so far beyond a mark's surface: found diameters are off by that at times."""
DIRECTIONS, STEP_MM = 162, 0.5
LEAST_MM = 4.0
"""Marks count as at least so wide."""
ENOUGH = 0.6
"""Share of directions with air from which nothing changes."""
LARGEST_MM = 30.0
"""The rule was fitted on nodules; a larger mass may lie at the hilum or in the chest wall with little air left around it."""
PENALTY = 20.0
"""Log odds that a mark loses for each unit of share below `ENOUGH`: 12 where there is no air at all."""


def directions(count: int = DIRECTIONS) -> np.ndarray:
    """(count, 3) unit vectors, evenly spread (a Fibonacci sphere)."""
    place = np.arange(count) + 0.5
    height, angle = 1 - 2 * place / count, np.pi * (1 + 5**0.5) * place
    ring = np.sqrt(1 - height**2)
    return np.column_stack([height, ring * np.sin(angle), ring * np.cos(angle)])


def air_around(hu: np.ndarray, sphere: np.ndarray) -> float:
    """Share of the directions from a sphere's centre in which air begins within `REACH_MM` of its surface.

    Parameters
    ----------
    hu
        (z, y, x) in Hounsfield units at 1 mm; beyond it its outermost voxels go on.
    sphere
        z, y, x and diameter in voxels of `hu`.
    """
    far = max(float(sphere[3]), LEAST_MM) / 2 + REACH_MM
    along = np.arange(0, far + STEP_MM, STEP_MM)
    points = sphere[:3] + directions()[:, None] * along[None, :, None]
    values = map_coordinates(hu, points.reshape(-1, 3).T, np.float32, order=1, mode="nearest")
    air = values.reshape(len(points), -1) < AIR_HU
    # Two samples in a row: a dark voxel is noise.
    return float((air[:, 1:] & air[:, :-1]).any(1).mean())


def with_anatomy(found: Detections, hu: np.ndarray, config: Config) -> Detections:
    """Lower the scores of marks without air around, by descending score again.

    Parameters
    ----------
    found
        One mark for each lesion (`join_marks`), in voxels of `hu`: within a large lesion there is no air around a part of it.
    config
        Of the network that scored them.
    """
    share = np.array([air_around(hu, sphere) for sphere in found.spheres], float)
    loss = np.where(found.spheres[:, 3] > LARGEST_MM, 0.0, PENALTY * np.maximum(ENOUGH - share, 0))
    # From the branches: a calibrated score near 1 has lost its log odds to rounding.
    raw = config.rpn_weight * found.rpn + (1 - config.rpn_weight) * found.fprn
    slope, intercept = config.calibration
    lower = expit(slope * log_odds(raw) + intercept - loss)
    score = np.where(loss > 0, np.minimum(lower, found.score), found.score)
    order = np.argsort(-score, kind="stable")
    members = tuple(found.members[i] for i in order)
    return replace(replace(found, score=score)[order], members=members)
