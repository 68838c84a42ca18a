"""Grafts that were tried, and what they tell: the chance of detection, everywhere and as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

KERNEL_MM = 15.0
"""Standard deviation of the weight with which a graft counts for its surroundings."""
PRIOR = 1.0
"""Grafts of the whole image's share that every place starts with: a single graft is no proof."""
LEAST = 0.3
"""Weight of grafts from which a place has a chance of its own; below nobody has looked there."""


@dataclass(frozen=True)
class Trial:
    """One graft and what the detector said.

    Parameters
    ----------
    center
        World mm (z, y, x) or (y, x) of its middle; pixels where the spacing is unknown.
    diameter
        In the same unit.
    score
        Highest score of a mark whose centre lies within the graft; 0 without one.
    before
        The same without the graft: what is marked there anyway is no detection of it.
    """

    center: tuple[float, ...]
    diameter: float
    score: float
    before: float = 0.0

    def found(self, threshold: float) -> bool:
        """Whether the graft, and nothing that was there before, brought a mark at a threshold."""
        return self.score >= threshold > self.before


def best_within(
    spheres: np.ndarray, scores: np.ndarray, center: np.ndarray | Sequence[float], diameter: float
) -> float:
    """Highest score of the marks (n, axes and more) whose centre lies within a sphere: LUNA16's rule; 0 without any."""
    middle = np.asarray(center, float)
    if not len(scores):
        return 0.0
    near = np.linalg.norm(np.asarray(spheres)[:, : len(middle)] - middle, axis=1) <= diameter / 2
    return float(np.asarray(scores)[near].max(initial=0.0))


def share(trials: Sequence[Trial], threshold: float) -> tuple[int, int]:
    """How many grafts were found, and how many tried."""
    return sum(t.found(threshold) for t in trials), len(trials)


def interval(found: int, tried: int, level: float = 0.95) -> tuple[float, float]:
    """Bounds (Clopper and Pearson's) of a share.

    Examples
    --------
    >>> tuple(round(x, 3) for x in interval(8, 10))
    (0.444, 0.975)
    """
    from scipy.stats import beta  # slow to import, and the window draws without it

    low = float(beta.ppf((1 - level) / 2, found, tried - found + 1)) if found else 0.0
    high = float(beta.ppf((1 + level) / 2, found + 1, tried - found)) if found < tried else 1.0
    return low, high


@dataclass(frozen=True, eq=False)
class Grid:
    """Where a chance is computed.

    Parameters
    ----------
    inside
        bool (z, y, x) or (y, x): the lungs.
    spacing, origin
        mm of a voxel (pixels where the spacing is unknown), and the world position of the first one's centre.
    kernel
        Standard deviation of the weights, in the same unit.
    """

    inside: np.ndarray
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    kernel: float = KERNEL_MM

    def to_world(self, index: np.ndarray) -> np.ndarray:
        """World positions (…, axes) of indices."""
        return np.asarray(index, float) * self.spacing + self.origin


def chance_map(trials: Sequence[Trial], threshold: float, grid: Grid) -> np.ndarray:
    """Compute the chance of detection (float32, 0–1) at each place of a grid; NaN outside of the lungs and where nobody looked.

    It is the share of the grafts that are found, each weighted by a Gaussian of its distance, with `PRIOR` grafts of the share
    of all.
    """
    tried, hits = (np.zeros(grid.inside.shape, np.float32) for _ in range(2))
    for trial in trials:
        index = np.round((np.asarray(trial.center) - grid.origin) / grid.spacing).astype(int)
        place = tuple(np.clip(index, 0, np.array(tried.shape) - 1))
        tried[place] += 1
        hits[place] += trial.found(threshold)
    chance = np.full(tried.shape, np.nan, np.float32)
    if not trials:
        return chance
    sigma = grid.kernel / np.asarray(grid.spacing)
    peak = np.float32(np.prod(np.sqrt(2 * np.pi) * sigma))
    weight, found = (
        peak * gaussian_filter(values, sigma, mode="constant", truncate=3.0) for values in (tried, hits)
    )
    every = share(trials, threshold)
    known = grid.inside & (weight >= LEAST)
    chance[known] = (found[known] + PRIOR * every[0] / every[1]) / (weight[known] + PRIOR)
    return np.clip(chance, 0, 1)


def chance_at(
    trials: Sequence[Trial], threshold: float, place: Sequence[float], kernel: float = KERNEL_MM
) -> float:
    """Compute the chance at one world place, as `chance_map` does; NaN without grafts."""
    if not trials:
        return float("nan")
    away = np.array([t.center for t in trials]) - np.asarray(place, float)
    weight = np.exp(-0.5 * (away**2).sum(1) / kernel**2)
    found = np.array([t.found(threshold) for t in trials], float)
    return float((weight @ found + PRIOR * found.mean()) / (weight.sum() + PRIOR))
