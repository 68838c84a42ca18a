"""What parallel planes stand for: the space between the middles of the gaps to their neighbours."""

from __future__ import annotations

import numpy as np

APART = 1.5
"""Planes that lie farther apart than so many times their usual distance do not meet: slices may be missing between them."""
_TIE = 1e-6
"""mm by which bounds lie lower than they should, so that rounding does not decide what lies midway."""


def slabs(heights: np.ndarray, usual: float) -> np.ndarray:
    """Compute the lower and the upper bound (n, 2) in mm of what each of some parallel planes stands for.

    A plane reaches to the middle between it and the next one. Where none is near it reaches as far as on its other side, and
    half the usual distance where it is alone.

    Parameters
    ----------
    heights
        Of the planes, rising.
    usual
        Distance of planes in mm, or the thickness of a single one.
    """
    half = np.diff(heights) / 2
    half[are_apart(heights, usual)] = np.nan
    below, above = np.append(np.nan, half), np.append(half, np.nan)
    ends = [
        np.where(np.isnan(a), np.where(np.isnan(b), usual / 2, b), a)
        for a, b in ((below, above), (above, below))
    ]
    bounds = np.stack([heights - ends[0], heights + ends[1]], axis=1)
    meet = np.flatnonzero(~np.isnan(half))
    bounds[meet + 1, 0] = bounds[meet, 1]  # one number, so that what lies midway is in one of them
    return bounds - _TIE


def are_apart(heights: np.ndarray, usual: float) -> np.ndarray:
    """Whether neighbouring planes (n - 1) lie too far apart to meet."""
    return np.diff(heights) > APART * usual + _TIE
