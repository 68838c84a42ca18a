"""F1, recall and precision by lesion of connected components: MO-SegNet's measures (Tables 2–5 of the paper).

The paper does not say what a hit is. Here a component is a hit when its centre of mass lies in a true region (the nodule's box).
The nodule then counts as found once; a second component in the same region is neither a hit nor a false positive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...ops.boxes import contains


@dataclass(frozen=True)
class Counts:
    """Of one radiograph: nodules found and missed, components in no true region, further ones in a region that was found."""

    found: int
    missed: int
    false: int
    duplicates: int = 0


def count_components(centers: npt.ArrayLike, truth: npt.ArrayLike) -> Counts:
    """Count one radiograph's components by what they hit.

    Parameters
    ----------
    centers
        (n, 2) centres of mass, x, y in pixels.
    truth
        (m, 4) true regions, x0, y0, x1, y1. Where regions overlap, a component finds those that hold its centre and have the
        nearest middle among those not found yet.
    """
    points = np.asarray(centers, float).reshape(-1, 2)
    regions = np.asarray(truth, float).reshape(-1, 4)
    inside = contains(regions, points)
    middles = (regions[:, :2] + regions[:, 2:]) / 2
    distance = np.linalg.norm(middles[:, None] - points[None], axis=-1)
    found = np.zeros(len(regions), bool)
    used = np.zeros(len(points), bool)
    # The closest pairs first, so that the order of components is of no account.
    for flat in np.argsort(np.where(inside, distance, np.inf), axis=None, kind="stable")[: inside.sum()]:
        region, point = np.unravel_index(flat, inside.shape)
        if not found[region] and not used[point]:
            found[region] = used[point] = True
    on_a_region = inside.any(0)
    return Counts(
        int(found.sum()),
        int((~found).sum()),
        int((~on_a_region).sum()),
        int((on_a_region & ~used).sum()),
    )


@dataclass(frozen=True)
class Detection:
    """F1, recall and precision, each a value for every row of weights."""

    f1: np.ndarray
    recall: np.ndarray
    precision: np.ndarray


def detection_rates(counts: list[Counts], weights: np.ndarray) -> Detection:
    """Compute rates over radiographs, 0–1, one `Counts` for each, all lesions together.

    Without nodules recall is NaN, without components precision is NaN, F1 is NaN without both. Weights (n,) or (samples, n).
    """
    table = np.array([(c.found, c.missed, c.false) for c in counts], float).reshape(-1, 3)
    sums = np.asarray(weights, float) @ table
    found, missed, false = sums[..., 0], sums[..., 1], sums[..., 2]
    with np.errstate(invalid="ignore", divide="ignore"):
        return Detection(
            2 * found / (2 * found + missed + false), found / (found + missed), found / (found + false)
        )
