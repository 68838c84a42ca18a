"""From probability maps to marks and lungs: connected components (the paper's Fig. 1, post-processing).

The paper takes the components of a thresholded map. Here each peak owns the region down to half its height, so that the
threshold on scores moves without another run and two nodules that touch at a low level stay two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

MOST = 50
"""Components of a radiograph."""
NEIGHBOURHOOD = 5
"""Side in radiograph pixels of the square in which a peak is the highest."""


@dataclass(frozen=True, eq=False)
class Component:
    """A region of a map.

    Parameters
    ----------
    top, left
        Radiograph pixel at which `mask` begins.
    mask
        bool (h, w), cropped to the region.
    peak
        Highest probability in it.
    place
        (row, column) of the peak on the film.
    """

    top: int
    left: int
    mask: np.ndarray
    peak: float
    place: tuple[int, int]

    @property
    def center(self) -> tuple[float, float]:
        """Centre of mass (y, x) on the film, edge coordinates (pixel i covers i to i + 1)."""
        y, x = np.nonzero(self.mask)
        return float(y.mean() + self.top + 0.5), float(x.mean() + self.left + 0.5)


def components(probability: np.ndarray, floor: float, most: int = MOST) -> list[Component]:
    """The components of a map by descending peak: disjoint, and each holds its peak.

    Seeds are local maxima of at least `floor`. A seed's region is the connected part of what is at least half as high, but for
    what belongs to higher peaks; a seed inside a higher peak's region is dropped. Regions may lie outside the lungs: that such
    marks are rare is what the network learns from its second task.

    Parameters
    ----------
    probability
        float (h, w), 0–1.
    """
    highest = ndimage.maximum_filter(probability, NEIGHBOURHOOD, mode="constant")
    rows, columns = np.nonzero((probability == highest) & (probability >= max(floor, 1e-6)))
    order = np.argsort(-probability[rows, columns], kind="stable")
    free = np.ones(probability.shape, bool)
    found: list[Component] = []
    for row, column in zip(rows[order], columns[order], strict=True):
        if len(found) == most:
            break
        if not free[row, column]:
            continue
        peak = float(probability[row, column])
        labelled, _ = ndimage.label((probability >= peak / 2) & free)
        region = labelled == labelled[row, column]
        free &= ~region
        found.append(_cropped(region, peak, (int(row), int(column))))
    return found


def _cropped(region: np.ndarray, peak: float, place: tuple[int, int]) -> Component:
    rows, columns = (np.flatnonzero(region.any(axis)) for axis in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    return Component(top, left, region[top : rows[-1] + 1, left : columns[-1] + 1], peak, place)
